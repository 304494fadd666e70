const BLOCK = 512

/** One file of an archive. */
export interface TarFile {
  /** At most 100 octets of ASCII. */
  readonly name: string
  readonly content: Uint8Array
}

/** A POSIX ustar archive of regular files that only their owner may read. @param timeMs - of all of them, ms since 1970 UTC. */
export function tarOf(files: readonly TarFile[], timeMs: number): Buffer {
  const parts: Uint8Array[] = []
  for (const { name, content } of files) {
    parts.push(headerOf(name, content.length, timeMs), content)
    const over = content.length % BLOCK
    if (over > 0) parts.push(Buffer.alloc(BLOCK - over))
  }
  // Two empty blocks end it.
  parts.push(Buffer.alloc(2 * BLOCK))
  return Buffer.concat(parts)
}

function headerOf(name: string, lengthOctets: number, timeMs: number): Buffer {
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, offset: number, width: number): void =>
    void header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1')
  header.write(name, 0, 100, 'latin1')
  octal(0o600, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(lengthOctets, 124, 12)
  octal(Math.trunc(timeMs / 1_000), 136, 12)
  // The sum counts its own field as spaces.
  header.write('        ', 148, 'latin1')
  header.write('0', 156, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  header.write(
    `${header
      .reduce((sum, octet) => sum + octet, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1'
  )
  return header
}
