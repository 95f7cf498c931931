import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import vue from 'eslint-plugin-vue';
import ts from 'typescript-eslint';

const noElectron = {
  group: ['electron', 'electron/*'],
  message: 'This room compiles without Electron.',
};
const noNode = { group: ['node:*'], message: 'This room runs in the sandbox, without Node.' };

export default ts.config(
  { ignores: ['out', 'dist-pack', 'coverage', 'tests/fixtures'] },
  js.configs.recommended,
  ...ts.configs.recommendedTypeChecked,
  ...vue.configs['flat/recommended'],
  {
    languageOptions: {
      parserOptions: {
        parser: ts.parser,
        projectService: {
          allowDefaultProject: ['eslint.config.mjs', 'docs/examples/*.mjs', 'tests/e2e/*.mjs'],
        },
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.vue'],
      },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // TypeScript itself reports names that do not exist.
      'no-undef': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      eqeqeq: 'error',
    },
  },
  {
    files: ['emulator/**', 'cli/**', 'tests/unit/**', 'tests/differential/**', 'tests/bench/**'],
    ignores: ['tests/bench/utility-main.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [noElectron] }] },
  },
  {
    files: ['renderer/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [noElectron, noNode] }] },
  },
  {
    files: ['preload/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [noNode] }] },
  },
  {
    // Typed by JSDoc comments, which TypeScript checks.
    files: ['**/*.mjs'],
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      // ESLint does not see casts in comments; TypeScript does.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // Stand-ins keep the asynchronous signatures of what they stand for.
    files: ['tests/**'],
    rules: { '@typescript-eslint/require-await': 'off' },
  },
  { files: ['*.mjs', 'docs/examples/*.mjs'], extends: [ts.configs.disableTypeChecked] },
  prettier,
);
