import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readElementFile } from '../src/registry-file.ts'

const codesOf = (text: string): string[] => readElementFile(text).errors.map(({ code, line }) => `${line} ${code}`)

describe('a file of elements reads', () => {
  test('R7012-reg-1 lines of pen, id, name, type, semantics, units and range', () => {
    const text =
      'pen,id,name,type,semantics,units,range\n# ours\n\n32473,15,acmeOcts,unsigned32,deltaCounter,octets,0-1000\r\n' +
      ' 32473 , 16 , acmeName , string\n32473,17,acmeDelta,signed8,,,-5-5'
    const { elements, errors } = readElementFile(text)
    assert.deepEqual(errors, [])
    assert.deepEqual(elements, [
      {
        pen: 32473,
        id: 15,
        name: 'acmeOcts',
        type: 'unsigned32',
        semantics: 'deltaCounter',
        units: 'octets',
        range: [0, 1000],
        status: 'current'
      },
      {
        pen: 32473,
        id: 16,
        name: 'acmeName',
        type: 'string',
        semantics: undefined,
        units: undefined,
        range: undefined,
        status: 'current'
      },
      {
        pen: 32473,
        id: 17,
        name: 'acmeDelta',
        type: 'signed8',
        semantics: undefined,
        units: undefined,
        range: [-5, 5],
        status: 'current'
      }
    ])
  })

  test('the same as JSON', () => {
    const csv = readElementFile('32473,15,acmeOcts,unsigned32,flags,,1-2')
    const json = readElementFile(
      '[{"pen": 32473, "id": "15", "name": "acmeOcts", "type": "unsigned32", "semantics": "flags", "range": "1-2"}]'
    )
    assert.deepEqual(json, csv)
  })

  test('nothing as nothing', () => {
    assert.deepEqual(readElementFile(''), { elements: [], errors: [] })
    assert.deepEqual(readElementFile('[]'), { elements: [], errors: [] })
  })
})

describe('a file of elements rejects', () => {
  test('ELEMENT_FILE_JSON', () => {
    assert.deepEqual(codesOf('[{'), ['0 ELEMENT_FILE_JSON'])
    assert.deepEqual(codesOf('[1, null, []]'), ['1 ELEMENT_FILE_JSON', '2 ELEMENT_FILE_JSON', '3 ELEMENT_FILE_JSON'])
  })
  test('ELEMENT_COLUMNS', () => {
    assert.deepEqual(codesOf('1,2,a\n1,2,a,string,,,,x'), ['1 ELEMENT_COLUMNS', '2 ELEMENT_COLUMNS'])
    assert.deepEqual(codesOf('[{"pen":1,"id":2,"name":"a","type":"string","note":"x"}]'), ['1 ELEMENT_COLUMNS'])
  })
  test('ELEMENT_PEN', () => {
    assert.deepEqual(codesOf('x,2,a,string\n4294967296,2,b,string'), ['1 ELEMENT_PEN', '2 ELEMENT_PEN'])
  })
  test('R7012-reg-1 ELEMENT_PEN_RESERVED for PEN 0 and the reverse PEN', () => {
    assert.deepEqual(codesOf('0,8,mine,string\n29305,8,mine2,string'), [
      '1 ELEMENT_PEN_RESERVED',
      '2 ELEMENT_PEN_RESERVED'
    ])
  })
  test('ELEMENT_ID', () => {
    assert.deepEqual(codesOf('1,0,a,string\n1,32768,b,string\n1,-1,c,string'), [
      '1 ELEMENT_ID',
      '2 ELEMENT_ID',
      '3 ELEMENT_ID'
    ])
  })
  test('TH-43 ELEMENT_NAME for unsafe names', () => {
    assert.deepEqual(codesOf('1,1,__proto__,string\n1,2,a b,string\n1,3,constructor,string'), [
      '1 ELEMENT_NAME',
      '2 ELEMENT_NAME',
      '3 ELEMENT_NAME'
    ])
  })
  test('ELEMENT_TYPE', () => {
    assert.deepEqual(codesOf('1,1,a,uint8\n1,2,b,hasOwnProperty'), ['1 ELEMENT_TYPE', '2 ELEMENT_TYPE'])
  })
  test('ELEMENT_SEMANTICS', () => {
    assert.deepEqual(codesOf('1,1,a,string,counter'), ['1 ELEMENT_SEMANTICS'])
  })
  test('ELEMENT_UNITS', () => {
    assert.deepEqual(codesOf('1,1,a,string,,bytes'), ['1 ELEMENT_UNITS'])
  })
  test('ELEMENT_RANGE', () => {
    assert.deepEqual(codesOf('1,1,a,unsigned8,,,5\n1,2,b,unsigned8,,,5-1\n1,3,c,string,,,1-5'), [
      '1 ELEMENT_RANGE',
      '2 ELEMENT_RANGE',
      '3 ELEMENT_RANGE'
    ])
  })
  test('ELEMENT_TWICE', () => {
    assert.deepEqual(codesOf('1,1,a,string\n1,1,b,string\n1,2,a,string'), ['2 ELEMENT_TWICE', '3 ELEMENT_TWICE'])
  })
})
