/** What a key is good for, each with all that those before it may: scrape metrics; read; change what runs; say who may do what. */
export const roles = ['metrics', 'reader', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

/** True if `role` may do what asks for `needed`. */
export const isEnough = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed)
