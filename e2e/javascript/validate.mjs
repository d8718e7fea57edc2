// Validates a message of SNS from standard input with the public validator, for one host of certificates.
import { readFileSync } from "node:fs";
import MessageValidator from "sns-validator";

const host = process.argv[2].replace(/[.]/g, "\\.");
const validator = new MessageValidator(new RegExp(`^${host}$`));
// Until it is known: the validator says nothing where the certificate is cut off on its way.
process.exitCode = 2;
validator.validate(JSON.parse(readFileSync(0, "utf8")), (error, message) => {
  if (error) {
    console.error(error.message);
    process.exit(1);
  }
  console.log(message.Message);
  process.exitCode = 0;
});
