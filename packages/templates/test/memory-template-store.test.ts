import { createMemoryTemplateStore } from '../src/index.ts'
import { describeStore } from './support/store-contract.ts'

describeStore('memory', createMemoryTemplateStore)
