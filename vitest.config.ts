import { configDefaults, defineConfig } from "vitest/config";

/**
 * Everything that starts processes, servers or a browser; and everything about training, which reads the data sets or asks
 * TensorFlow.js for gradients.
 */
const RUNTIME = [
  "test/{entry,store,web}/**/*.test.ts",
  "test/http/app.test.ts",
  "test/clients/**/*.test.ts",
  "test/{cases,examples,floors,package,recipes,tables}.test.ts",
];
const TRAINING = [
  "test/{training,scripts}/**/*.test.ts",
  "test/kernel/{kernel,reference}.test.ts",
  "test/shipped.test.ts",
];

const project = (name: string, include: string[], exclude: string[] = []) => ({
  extends: true as const,
  test: { name, include, exclude: [...configDefaults.exclude, ...exclude] },
});

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      project("unit", ["test/**/*.test.ts"], [...RUNTIME, ...TRAINING]),
      project("runtime", RUNTIME),
      project("training", TRAINING),
    ],
    coverage: {
      include: ["src/**/*.ts"],
      exclude: ["src/kernel/assembly/**"],
      reporter: ["text-summary", "json-summary"],
    },
  },
});
