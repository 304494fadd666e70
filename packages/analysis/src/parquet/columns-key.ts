/** The key of the metadata that says which elements the columns are. */
export const COLUMNS_KEY = 'weir.columns'
