const BLOCK = 512

/** The regular files of a ustar archive, by name. @throws for what is none: a wrong sum, a cut file, no end. */
export function readTar(archive: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (let at = 0; ;) {
    const header = archive.subarray(at, at + BLOCK)
    if (header.length < BLOCK) throw new Error('the archive has no end')
    if (header.every(octet => octet === 0)) return files
    const text = (offset: number, length: number): string =>
      header
        .toString('latin1', offset, offset + length)
        .replace(/\0.*$/, '')
        .trim()
    const sum = header.reduce((total, octet, index) => total + (index >= 148 && index < 156 ? 0x20 : octet), 0)
    if (Number.parseInt(text(148, 8), 8) !== sum) throw new Error(`the sum of the header at ${at} is wrong`)
    if (text(257, 6) !== 'ustar' || text(156, 1) !== '0') throw new Error('that is no regular file of a ustar archive')
    const length = Number.parseInt(text(124, 12), 8)
    const content = archive.subarray(at + BLOCK, at + BLOCK + length)
    if (content.length < length) throw new Error(`${text(0, 100)} is cut`)
    files.set(text(0, 100), content)
    at += BLOCK + Math.ceil(length / BLOCK) * BLOCK
  }
}
