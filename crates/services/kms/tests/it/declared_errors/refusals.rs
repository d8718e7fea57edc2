//! What the model has and KMS refuses on purpose.

use serde_json::{Value, json};

/// A call that is refused, and why it is.
pub(super) struct Refusal {
    pub(super) operation: &'static str,
    /// What it is about the call, as the page says it.
    pub(super) with: &'static str,
    pub(super) input: Value,
    pub(super) code: &'static str,
    pub(super) why: &'static str,
}

/// All of them.
pub(super) fn refusals() -> Vec<Refusal> {
    let external = json!({
        "CustomKeyStoreName": "external", "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT", "XksProxyUriEndpoint": "https://xks.example.com",
        "XksProxyUriPath": "/kms/xks/v1",
        "XksProxyAuthenticationCredential": {"AccessKeyId": "ABCDEFGHIJKLMNOPQRST", "RawSecretAccessKey": SECRET},
    });
    vec![
        Refusal {
            operation: "CreateCustomKeyStore",
            with: "`EXTERNAL_KEY_STORE`",
            input: external,
            code: "NotImplementedException",
            why: "to come",
        },
        Refusal {
            operation: "CreateKey",
            with: "`Origin` `EXTERNAL_KEY_STORE`",
            input: json!({"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": "cks-0123456789abcdef0", "XksKeyId": "key"}),
            code: "NotImplementedException",
            why: "to come",
        },
        Refusal {
            operation: "CreateKey",
            with: "`KeySpec` `SM2`",
            input: json!({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}),
            code: "UnsupportedOperationException",
            why: "AWS has it in its China Regions alone",
        },
        Refusal {
            operation: "GenerateDataKeyPair",
            with: "`KeyPairSpec` `SM2`",
            input: json!({"KeyId": "<symmetric>", "KeyPairSpec": "SM2"}),
            code: "UnsupportedOperationException",
            why: "the same",
        },
        Refusal {
            operation: "GetParametersForImport",
            with: "`WrappingAlgorithm` `RSAES_PKCS1_V1_5`",
            input: json!({
                "KeyId": "<external>", "WrappingAlgorithm": "RSAES_PKCS1_V1_5", "WrappingKeySpec": "RSA_2048",
            }),
            code: "UnsupportedOperationException",
            why: "AWS refuses it since October 2023",
        },
        Refusal {
            operation: "GetParametersForImport",
            with: "`WrappingKeySpec` `SM2`",
            input: json!({
                "KeyId": "<external>", "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "SM2",
            }),
            code: "UnsupportedOperationException",
            why: "AWS has it in its China Regions alone",
        },
        Refusal {
            operation: "PutKeyPolicy",
            with: "`PolicyName` `AWS_RAM`",
            input: json!({"KeyId": "<symmetric>", "Policy": "<policy>", "PolicyName": "AWS_RAM"}),
            code: "ValidationException",
            why: "AWS's words: it can only be managed by the RAM service, which is not here",
        },
    ]
}

/// A secret access key of the length that the model wants.
const SECRET: &str = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq=";
