import Type from 'typebox'

/** A parameter of tasks that count a selection. */
export const filterParam = Type.Optional(
  Type.Union([Type.String({ maxLength: 1024 }), Type.Null()], {
    default: null,
    description: 'Data Records that are counted, in the filter language of destinations; null: all.'
  })
)
