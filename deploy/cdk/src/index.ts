import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CfnOutput, CfnResource, Duration, Stack, Tags, Token } from 'aws-cdk-lib';
import { CfnUserPool, type IUserPool } from 'aws-cdk-lib/aws-cognito';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function, LoggingFormat, Runtime, type IFunction, type ILayerVersion } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { actions, check, environment, manifest } from './manifest';

/** A function of the account layer. */
export type FunctionName =
  | 'pre-sign-up'
  | 'post-confirmation'
  | 'post-authentication'
  | 'inbound-federation'
  | 'custom-message';

/** A function of your own that one of the account layer calls, too (docs/NEXT_FUNCTION.md). */
export interface NextFunction {
  /** Yours. */
  readonly function: IFunction;
  /** Default: `before` for `pre-sign-up`, otherwise `after`. */
  readonly order?: 'before' | 'after';
  /** If yours cannot be asked. Default: `refuse` for `pre-sign-up` and `inbound-federation`, otherwise `pass`. */
  readonly failure?: 'refuse' | 'pass';
}

/** What an {@link AccountLayer} is made of. */
export interface AccountLayerProps {
  /**
   * The pool. One that this app makes gets the triggers attached. Of an imported one nothing is touched: attach the
   * functions with `cognito-triggers attach`, which takes the outputs of the stack.
   */
  readonly userPool: IUserPool;
  /**
   * Further pools that the same functions serve. If they are of another kind than the first, say so in the setting OVERRIDES.
   */
  readonly morePools?: readonly IUserPool[];
  /**
   * Every pool of the account and Region instead of exactly these: `all`, or the `tagged` ones, whose tag
   * `account-triggers` is the name of the stack. The pools above get the tag.
   */
  readonly everyPool?: 'all' | 'tagged';
  /** Folder with the functions' zip files, named `FUNCTION-ARCHITECTURE.zip`, as `cargo xtask package` makes them. */
  readonly packages: string;
  /** Settings by name, as in docs/SETTINGS.md. What is left out has its default. */
  readonly settings: Readonly<Record<string, string>>;
  /** The functions to deploy. Default: all but `custom-message`, which needs a pool that sends through SES. */
  readonly functions?: readonly FunctionName[];
  /**
   * Functions of your own that these call as well, by the function that calls. `inbound-federation` and `custom-message` must
   * be built for it (docs/NEXT_FUNCTION.md), and end at their start otherwise.
   */
  readonly nextFunctions?: Partial<Record<FunctionName, NextFunction>>;
  /** Default: ARM_64, which costs a fifth less. */
  readonly architecture?: Architecture;
  /** Memory of each function in MB, 128 to 3008. Default: 512. */
  readonly memorySize?: number;
  /** Layers by function, such as message templates of your own. */
  readonly layers?: Partial<Record<FunctionName, ILayerVersion[]>>;
  /** How long logs are kept. Default: a month. */
  readonly logRetention?: RetentionDays;
}

/** The tag of the pools that the functions may act on with `everyPool: 'tagged'`; that of the template. */
const POOL_TAG = 'account-triggers';

const ALL_BUT_MESSAGES: readonly FunctionName[] = [
  'pre-sign-up',
  'post-confirmation',
  'post-authentication',
  'inbound-federation',
];

/**
 * The functions of the account layer with exactly the rights they need on one user pool, attached as its triggers.
 *
 * Put it into the stack of the pool: pool and functions name each other, which two stacks cannot.
 */
export class AccountLayer extends Construct {
  /** The functions by name. */
  public readonly functions: ReadonlyMap<FunctionName, Function>;

  constructor(scope: Construct, id: string, props: AccountLayerProps) {
    super(scope, id);
    const pools = [props.userPool, ...(props.morePools ?? [])].map(poolOf).filter((pool) => pool !== undefined);
    for (const pool of pools) {
      if (Stack.of(pool) !== Stack.of(this)) {
        throw new Error('The account layer belongs into the stack of its user pool, because the two name each other.');
      }
    }
    const derived = pools.map(derivedFrom);
    const [first] = derived;
    for (const other of props.settings?.OVERRIDES ? [] : derived) {
      if (other.NATIVE_USERNAME !== first?.NATIVE_USERNAME || other.POOL_CASE_SENSITIVE !== first?.POOL_CASE_SENSITIVE) {
        throw new Error('The pools are of different kinds. Say what differs in the setting OVERRIDES, or give each kind an account layer of its own.');
      }
    }
    const settings = { ...first, ...props.settings };
    if (pools.length > 0 && Token.isUnresolved(settings.OVERRIDES)) {
      throw new Error('Write the ids in OVERRIDES as text, in a second deployment: one of this app makes pool and functions wait for each other.');
    }
    check(settings);
    const names = props.functions ?? ALL_BUT_MESSAGES;
    for (const name of ['NATIVE_USERNAME', 'POOL_CASE_SENSITIVE']) {
      // The functions cannot ask the pool what it is, and a wrong answer makes links that no sign-in finds.
      if (names.includes('pre-sign-up') && !settings[name]) {
        throw new Error(`${name} has to be set for this pool: it says what the pool is (docs/SETTINGS.md)`);
      }
    }
    const made = new Map<FunctionName, Function>();
    for (const name of names) {
      const handler = this.function(name, props, settings);
      made.set(name, handler);
      for (const pool of pools) attach(pool, name, handler);
      // Of a pool that is not of this app, somebody else attaches the function.
      if (pools.length <= (props.morePools?.length ?? 0)) new CfnOutput(this, `${manifest.functions[name]?.trigger}Arn`, { value: handler.functionArn });
    }
    if ((settings.DEFAULT_GROUP || settings.OVERRIDES) && !settings.RETRY_QUEUE_URL) {
      this.keepMemberships(made.get('post-confirmation'), made.get('pre-sign-up'));
    }
    this.functions = made;
    if (props.everyPool === 'tagged') {
      for (const pool of pools) Tags.of(pool).add(POOL_TAG, Stack.of(this).stackName);
    }
    // Not before the app is complete: a trigger may be added after this construct.
    for (const pool of pools) this.node.addValidation({ validate: () => taken(pool, names) });
  }

  private function(name: FunctionName, props: AccountLayerProps, settings: Readonly<Record<string, string>>): Function {
    const facts = manifest.functions[name];
    if (!facts) throw new Error(`${name} is not a function; allowed: ${Object.keys(manifest.functions).join(', ')}`);
    const architecture = props.architecture ?? Architecture.ARM_64;
    const file = join(props.packages, `${name}-${architecture.name}.zip`);
    if (!existsSync(file)) throw new Error(`${file} does not exist; make it with \`cargo xtask package\``);
    const layers = props.layers?.[name];
    const next = props.nextFunctions?.[name];
    const logGroup = new LogGroup(this, `${facts.trigger}Logs`, { retention: props.logRetention ?? RetentionDays.ONE_MONTH });
    // A role of our own: the one that CDK makes may write to every log group of the account.
    const role = new Role(this, `${facts.trigger}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    const made = new Function(this, facts.trigger, {
      description: facts.description,
      runtime: Runtime.PROVIDED_AL2023,
      handler: facts.handler,
      architecture,
      code: Code.fromAsset(file),
      memorySize: props.memorySize ?? facts.memory_mb,
      timeout: Duration.seconds(facts.timeout_seconds),
      environment: { ...environment(facts, settings), ...(next ? chained(next) : {}) },
      loggingFormat: LoggingFormat.JSON,
      logGroup,
      role,
      ...(layers ? { layers } : {}),
    });
    const needed = actions(facts, settings);
    const stack = Stack.of(this);
    const everyPool = stack.formatArn({ service: 'cognito-idp', resource: 'userpool', resourceName: '*' });
    const more = props.everyPool ? [] : (props.morePools ?? []);
    const first = props.everyPool ? everyPool : props.userPool.userPoolArn;
    const conditions =
      props.everyPool === 'tagged' ? { StringEquals: { [`aws:ResourceTag/${POOL_TAG}`]: stack.stackName } } : {};
    if (needed.length > 0) {
      // A policy of its own: inside the function's role it would make the function wait for the pool, and the pool
      // waits for the function.
      const policy = new Policy(this, `${facts.trigger}Rights`, {
        statements: [
          new PolicyStatement({
            actions: needed,
            resources: [first, ...more.map((pool) => pool.userPoolArn)],
            conditions,
          }),
        ],
      });
      role.attachInlinePolicy(policy);
    }
    const telling = actions(facts, settings, 'event-bus');
    if (telling.length > 0 && settings.EVENT_BUS) {
      const bus = stack.formatArn({ service: 'events', resource: 'event-bus', resourceName: settings.EVENT_BUS });
      const put = new PolicyStatement({ actions: telling, resources: [bus] });
      role.attachInlinePolicy(new Policy(this, `${facts.trigger}EventBusRights`, { statements: [put] }));
    }
    if (next) {
      const call = new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [next.function.functionArn] });
      role.attachInlinePolicy(new Policy(this, `${facts.trigger}NextRights`, { statements: [call] }));
    }
    made.addPermission('UserPool', {
      principal: new ServicePrincipal('cognito-idp.amazonaws.com'),
      sourceAccount: stack.account,
      sourceArn: first,
    });
    for (const other of more) {
      made.addPermission(`UserPool${other.node.addr}`, {
        principal: new ServicePrincipal('cognito-idp.amazonaws.com'),
        sourceAccount: stack.account,
        sourceArn: other.userPoolArn,
      });
    }
    return made;
  }

  /**
   * Memberships of the default group that Cognito could not write go to a queue. It hands each to the function every
   * five minutes, for two weeks, until Cognito takes it. Pre-sign-up puts some there when many people come at once.
   */
  private keepMemberships(made?: Function, preSignUp?: Function): void {
    if (!made) return;
    const queue = new Queue(this, 'Retries', {
      deliveryDelay: Duration.seconds(30),
      visibilityTimeout: Duration.minutes(5),
      retentionPeriod: Duration.days(14),
    });
    made.addEnvironment('RETRY_QUEUE_URL', queue.queueUrl);
    // The grants of the queue's own construct allow more.
    const allowed = (name: FunctionName) => {
      const facts = manifest.functions[name];
      const needed = facts ? actions(facts, { RETRY_QUEUE_URL: queue.queueUrl }, 'retry-queue') : [];
      return new PolicyStatement({ actions: needed, resources: [queue.queueArn] });
    };
    const rights = new Policy(this, 'RetryRights', { statements: [allowed('post-confirmation')] });
    made.role?.attachInlinePolicy(rights);
    if (preSignUp) {
      preSignUp.addEnvironment('RETRY_QUEUE_URL', queue.queueUrl);
      preSignUp.role?.attachInlinePolicy(new Policy(this, 'WaitRights', { statements: [allowed('pre-sign-up')] }));
    }
    // One failure must not bring back what was written, and a full queue must not use up Cognito's quota.
    const mapping = made.addEventSourceMapping('Retries', {
      eventSourceArn: queue.queueArn,
      batchSize: 1,
      maxConcurrency: 2,
    });
    mapping.node.addDependency(rights);
  }
}

/** The settings with which a function calls another one. */
function chained(next: NextFunction): Record<string, string> {
  return {
    NEXT_FUNCTION: next.function.functionArn,
    ...(next.order ? { NEXT_FUNCTION_ORDER: next.order } : {}),
    ...(next.failure ? { NEXT_FUNCTION_FAILURE: next.failure } : {}),
  };
}

/** The pool's own resource; `undefined` for one that is imported. */
function poolOf(userPool: IUserPool): CfnUserPool | undefined {
  const resource = userPool.node.defaultChild;
  // Not by `instanceof`: an app may have a second copy of aws-cdk-lib, whose pools are pools all the same.
  const isPool =
    CfnResource.isCfnResource(resource) && resource.cfnResourceType === CfnUserPool.CFN_RESOURCE_TYPE_NAME;
  return isPool ? (resource as CfnUserPool) : undefined;
}

/** Sets one trigger and leaves the others as they are. */
function attach(pool: CfnUserPool, name: FunctionName, made: Function): void {
  const trigger = manifest.functions[name]?.trigger;
  // The constructs for pools know no inbound federation yet; the resource below them does.
  const value =
    trigger === 'InboundFederation' ? { LambdaArn: made.functionArn, LambdaVersion: 'V1_0' } : made.functionArn;
  pool.addPropertyOverride(`LambdaConfig.${trigger}`, value);
}

/** What is wrong with triggers that somebody else sets: a pool calls one function for each. */
function taken(pool: CfnUserPool, names: readonly FunctionName[]): string[] {
  const theirs: Record<string, unknown> = Stack.of(pool).resolve(pool.lambdaConfig) ?? {};
  const setTwice = names.filter((name) => {
    const trigger = manifest.functions[name]?.trigger ?? '';
    return theirs[trigger.charAt(0).toLowerCase() + trigger.slice(1)] !== undefined;
  });
  return setTwice.map((name) => `The pool has a ${manifest.functions[name]?.trigger} trigger already; leave ${name} out, or take yours off the pool and name it in nextFunctions.`);
}

/** The settings that say what the pool is. */
function derivedFrom(pool: CfnUserPool): Record<string, string> {
  const names = pool.usernameAttributes ?? [];
  const aliases = pool.aliasAttributes ?? [];
  const configuration = pool.usernameConfiguration;
  const derived: Record<string, string> = {};
  if (names.includes('email')) derived.NATIVE_USERNAME = 'email';
  else if (aliases.includes('email')) derived.NATIVE_USERNAME = 'uuid';
  // Where people sign in with a phone number alone, no account can be made for an address.
  else if (names.length === 0) derived.NATIVE_USERNAME = 'derived';
  // A pool that says nothing keeps case.
  if (!configuration) derived.POOL_CASE_SENSITIVE = 'true';
  else if ('caseSensitive' in configuration) {
    derived.POOL_CASE_SENSITIVE = configuration.caseSensitive === false ? 'false' : 'true';
  }
  return derived;
}
