/** What a file may be called (TH-35): nothing that a path, a shell or a page would read as something else. */
export const FILE_NAME = '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'

const pattern = new RegExp(FILE_NAME)

export const isFileName = (name: string): boolean => pattern.test(name) && !name.includes('\n')
