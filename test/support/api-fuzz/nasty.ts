import type { Dice } from './dice.ts'

const strings = [
  '',
  ' ',
  '0',
  '-1',
  '1e9',
  '99999999999999999999',
  'NaN',
  'null',
  'true',
  '[]',
  '{}',
  '__proto__',
  'constructor',
  'toString',
  '{"__proto__":{"role":"admin"}}',
  "' or 1=1--",
  '${7*7}{{7*7}}',
  '$(reboot)`reboot`;reboot',
  '../../../../etc/passwd',
  '..%2f..%2f..%2fetc%2fpasswd',
  '%2e%2e%2fkeys.json',
  '/proc/self/environ',
  'file:///etc/passwd',
  'http://169.254.169.254/latest/meta-data/',
  'http://127.0.0.1:1/',
  'javascript:alert(1)',
  '<script>alert(1)</script>',
  '=cmd|calc!A1',
  'a\r\nset-cookie: x=1',
  'nul\0nul',
  '\u001b[2J',
  '\u202egnp.exe',
  '\ufeff',
  '\ud83d',
  '💧'.repeat(40),
  'é',
  '\u2028',
  '%',
  '%zz',
  '%00',
  '%c0%ae',
  '.',
  '..',
  '*',
  ',',
  'a,b,,c',
  '-',
  '--help',
  '(((((',
  'not '.repeat(200),
  '('.repeat(500),
  'x'.repeat(1_025),
  'x'.repeat(5_000),
  '0x10',
  '::ffff:127.0.0.1',
  '2106-02-07T06:28:16Z',
  'W/"x"',
  Buffer.from('[["a",null,5]]').toString('base64url'),
  Buffer.from('[["127.0.0.1:1","x"]]').toString('base64url')
]

/** Text that somebody might send who means no good, or does not know better. */
export function nastyText(dice: Dice): string {
  if (!dice.isOneIn(4)) return dice.oneOf(strings)
  return Array.from({ length: dice.below(40) }, () =>
    String.fromCodePoint(dice.below(dice.isOneIn(2) ? 128 : 0xd7ff))
  ).join('')
}

/** Any JSON value. */
export function nastyValue(dice: Dice, depth = 0): unknown {
  switch (dice.below(depth > 3 ? 6 : 8)) {
    case 0:
      return null
    case 1:
      return dice.isOneIn(2)
    case 2:
      return dice.oneOf([0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, 65_536])
    case 3:
    case 4:
    case 5:
      return nastyText(dice)
    case 6:
      return Array.from({ length: dice.below(4) }, () => nastyValue(dice, depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: dice.below(4) }, () => [nastyText(dice), nastyValue(dice, depth + 1)])
      )
  }
}
