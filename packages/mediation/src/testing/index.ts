export * from './filter-text.ts'
