// The life of `rig/life.py`, on the AWS SDK for JavaScript: leads it, and prints what it saw as one JSON document.
import {
  KMS,
  paginateListAliases,
  paginateListKeyRotations,
  paginateListKeys,
  paginateListResourceTags,
} from "@aws-sdk/client-kms";

const DAY = 24 * 60 * 60;

const kms = new KMS({ maxAttempts: 1 });
const refusals = {};
const states = [];

const arn = (await kms.createKey({ Description: "payroll", Tags: [tag("team", "blue")] })).KeyMetadata.Arn;
await kms.createAlias({ AliasName: "alias/post", TargetKeyId: arn });
await kms.createAlias({ AliasName: "alias/letters", TargetKeyId: arn });
await kms.tagResource({ KeyId: arn, Tags: [tag("team", "red"), tag("stage", "test"), tag("spare", "")] });
await kms.untagResource({ KeyId: arn, TagKeys: ["spare"] });
const tags = await all(paginateListResourceTags, "Tags", { KeyId: arn });
await kms.updateKeyDescription({ KeyId: arn, Description: "letters" });
const described = (await kms.describeKey({ KeyId: "alias/letters" })).KeyMetadata;
const { Policy } = await kms.getKeyPolicy({ KeyId: arn, PolicyName: "default" });
await kms.putKeyPolicy({ KeyId: arn, PolicyName: "default", Policy });
const policies = (await kms.listKeyPolicies({ KeyId: arn })).PolicyNames;

const letters = { purpose: "letters" };
const archive = { purpose: "archive" };
const old = await encrypt("a letter");
await kms.enableKeyRotation({ KeyId: arn, RotationPeriodInDays: 90 });
const rotation = await kms.getKeyRotationStatus({ KeyId: arn });
await advance(91);
const fresh = await encrypt("a reply");
await kms.rotateKeyOnDemand({ KeyId: arn });
const moved = await kms.reEncrypt({
  CiphertextBlob: old,
  SourceEncryptionContext: letters,
  DestinationKeyId: arn,
  DestinationEncryptionContext: archive,
});
const opened = {
  "before rotation": await kms.decrypt({ CiphertextBlob: old, EncryptionContext: letters }),
  "after rotation": await kms.decrypt({ CiphertextBlob: fresh, EncryptionContext: letters }),
  moved: await kms.decrypt({ CiphertextBlob: moved.CiphertextBlob, EncryptionContext: archive }),
};
const rotations = await all(paginateListKeyRotations, "Rotations", { KeyId: arn });
const current = (await kms.describeKey({ KeyId: arn })).KeyMetadata.CurrentKeyMaterialId;

await kms.disableKey({ KeyId: arn });
states.push(await state());
await refused("disabled", kms.encrypt({ KeyId: arn, Plaintext: bytes("x") }));
await kms.enableKey({ KeyId: arn });
states.push(await state());
const sealed = await kms.generateDataKeyWithoutPlaintext({ KeyId: arn, KeySpec: "AES_256" });
const dataKey = await kms.decrypt({ CiphertextBlob: sealed.CiphertextBlob });
const random = await kms.generateRandom({ NumberOfBytes: 24 });
const lastUsage = (await kms.getKeyLastUsage({ KeyId: arn })).KeyLastUsage.Operation;

const second = (await kms.createKey({})).KeyMetadata.Arn;
await kms.updateAlias({ AliasName: "alias/post", TargetKeyId: second });
const aliasLeadsTo = (await kms.describeKey({ KeyId: "alias/post" })).KeyMetadata.Arn;
const listed = (await all(paginateListKeys, "Keys", {})).map((key) => key.KeyArn).sort();

states.push((await kms.scheduleKeyDeletion({ KeyId: arn, PendingWindowInDays: 7 })).KeyState);
await refused("pending", kms.encrypt({ KeyId: arn, Plaintext: bytes("x") }));
await kms.cancelKeyDeletion({ KeyId: arn });
states.push(await state());
await kms.scheduleKeyDeletion({ KeyId: arn, PendingWindowInDays: 7 });
states.push(await state());
await advance(8);
await refused("gone", kms.describeKey({ KeyId: arn }));
await refused("ciphertext", kms.decrypt({ CiphertextBlob: old, EncryptionContext: letters }));
const aliases = await all(paginateListAliases, "Aliases", {});
const aliasesLeft = aliases.filter((alias) => alias.TargetKeyId).map((alias) => alias.AliasName);

const told = {
  keys: [arn, second],
  listed,
  materials: Object.values(opened).map((answer) => answer.KeyMaterialId),
  described: [described.KeyState, described.Description],
  tags: Object.fromEntries(tags.map((each) => [each.TagKey, each.TagValue])),
  policies,
  rotation: [rotation.KeyRotationEnabled, rotation.RotationPeriodInDays],
  rotations: rotations.map((entry) => [entry.RotationType, entry.KeyMaterialId]),
  current,
  opened: Object.fromEntries(Object.entries(opened).map(([name, answer]) => [name, text(answer.Plaintext)])),
  sizes: { "data key": dataKey.Plaintext.length, random: random.Plaintext.length },
  last_usage: lastUsage,
  alias_leads_to: aliasLeadsTo,
  states,
  aliases_left: aliasesLeft,
  refusals,
};
console.log(JSON.stringify(told));

function tag(TagKey, TagValue) {
  return { TagKey, TagValue };
}

function bytes(string) {
  return new TextEncoder().encode(string);
}

function text(array) {
  return new TextDecoder().decode(array);
}

async function encrypt(plaintext) {
  const request = { KeyId: "alias/post", Plaintext: bytes(plaintext), EncryptionContext: letters };
  return (await kms.encrypt(request)).CiphertextBlob;
}

async function state() {
  return (await kms.describeKey({ KeyId: arn })).KeyMetadata.KeyState;
}

/** The members of a list, fetched in pages of one. */
async function all(paginate, list, request) {
  const members = [];
  for await (const page of paginate({ client: kms, pageSize: 1 }, request)) {
    members.push(...page[list]);
  }
  return members;
}

async function refused(name, call) {
  try {
    await call;
  } catch (error) {
    refusals[name] = [error.name, error.message];
  }
}

/** Moves the server's clock: what comes due by then has happened when the answer is there. */
async function advance(days) {
  const answer = await fetch(`${process.env.AWS_ENDPOINT_URL}/_strongroom/clock`, {
    method: "POST",
    headers: { "x-strongroom-dev": "1", "content-type": "application/json" },
    body: JSON.stringify({ advance_seconds: days * DAY }),
  });
  const { settled } = await answer.json();
  if (!settled) {
    throw new Error(`the clock was not moved: ${answer.status}`);
  }
}
