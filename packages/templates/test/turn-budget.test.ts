import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { TurnBudget } from '../src/turn-budget.ts'

test('lets so much be done in a turn, the rest in later ones, in order', async () => {
  const budget = new TurnBudget(3)
  const done: number[] = []
  const work = async (number: number, cost: number): Promise<void> => {
    await budget.take(cost)
    done.push(number)
  }
  const all = [work(1, 1), work(2, 1), work(3, 5), work(4, 1), work(5, 9), work(6, 1)]
  await Promise.resolve()
  await Promise.resolve()
  assert.deepEqual(done, [1, 2, 3])
  await nextTurn()
  assert.deepEqual(done, [1, 2, 3, 4, 5])
  await Promise.all(all)
  assert.deepEqual(done, [1, 2, 3, 4, 5, 6])
})

test('is whole again in a turn in which nothing was done', async () => {
  const budget = new TurnBudget(1)
  assert.equal(budget.take(1), undefined)
  await nextTurn()
  assert.equal(budget.take(1), undefined)
})
