import fc from 'fast-check'

// Imported before each test file by npm test: properties are tried with the same values in every run, so that what fails once fails again.
// WEIR_TEST_SEED=NUMBER tries others.
fc.configureGlobal({ seed: Number(process.env.WEIR_TEST_SEED ?? 1) })
