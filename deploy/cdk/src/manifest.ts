import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A right that a function needs. Without `when`: always. Otherwise where one of the cases holds. */
interface Right {
  readonly action: string;
  /** What it is needed on. Default: the pool. */
  readonly on?: string;
  /** Settings and the values with which the case holds; `*` means any value but none. */
  readonly when?: readonly Readonly<Record<string, readonly string[]>>[];
}

/** A function as the manifest describes it. */
export interface FunctionFacts {
  readonly trigger: string;
  readonly description: string;
  readonly handler: string;
  readonly memory_mb: number;
  readonly timeout_seconds: number;
  readonly settings: readonly string[];
  readonly rights: readonly Right[];
}

interface Manifest {
  readonly functions: Readonly<Record<string, FunctionFacts>>;
  readonly settings: Readonly<Record<string, { readonly allowed?: readonly string[]; readonly per_function?: boolean }>>;
}

/** What the functions are, read once. The file lies beside the compiled code, or above the sources in the repository. */
export const manifest: Manifest = JSON.parse(readFileSync(join(__dirname, '..', 'manifest.json'), 'utf8'));

/** The environment of a function: those of the given settings that it reads. */
export function environment(facts: FunctionFacts, settings: Readonly<Record<string, string>>): Record<string, string> {
  const read = facts.settings.filter((name) => (settings[name] ?? '') !== '');
  return Object.fromEntries(read.map((name) => [name, settings[name] ?? '']));
}

/** The actions that a function needs with these settings: on the pool, or on something else of the manifest. */
export function actions(facts: FunctionFacts, settings: Readonly<Record<string, string>>, on = 'pool'): string[] {
  const holds = ([name, values]: [string, readonly string[]]): boolean => {
    const value = settings[name] ?? '';
    return values.includes('*') ? value !== '' : values.includes(value);
  };
  const needed = ({ when }: Right): boolean => !when || when.some((one) => Object.entries(one).every(holds));
  return facts.rights.filter((right) => (right.on ?? 'pool') === on && needed(right)).map(({ action }) => action);
}

/**
 * Refuses what the functions would refuse at their start, so that it shows before a deployment.
 *
 * @throws Error that names the setting, its value and what is allowed.
 */
export function check(settings: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(settings)) {
    const setting = manifest.settings[name];
    if (!setting) {
      throw new Error(`${name} is not a setting; allowed: ${Object.keys(manifest.settings).join(', ')}`);
    }
    if (setting.per_function) {
      throw new Error(`Each function has its own ${name}: use nextFunctions`);
    }
    if (value !== '' && setting.allowed && !setting.allowed.includes(value)) {
      throw new Error(`${name}=${value} is not allowed; choose one of ${setting.allowed.join(', ')}`);
    }
  }
}
