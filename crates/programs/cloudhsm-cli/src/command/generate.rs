//! `key generate-symmetric ...` and `key generate-asymmetric-pair ...`

use strongroom_hsm_client::Cluster;
use strongroom_hsm_proto::command::{
    AttributeName, Command, Curve, GenerateKey, GenerateKeyPair, KeyDescription, KeyQuorum, KeyType,
    MlDsaSet, PairKind, RsaParameters, Template,
};

use super::selection::Shown;
use super::the;
use crate::attribute::Assignment;
use crate::bench::Bench;
use crate::error::CliError;
use crate::grammar::generate::{Pair, PairOptions, SecretKey, Sharing, Symmetric};
use crate::output::key::{Key, OneKey, Pair as PairShown, Views};
use crate::output::{Data, data};

pub(super) fn symmetric(bench: &mut Bench, command: Symmetric) -> Result<Data, CliError> {
    let (key_type, options) = match command {
        Symmetric::Aes(options) => (KeyType::Aes, options),
        Symmetric::GenericSecret(options) => (KeyType::GenericSecret, options),
    };
    let SecretKey { label, key_length_bytes, session, attributes, sharing } = options;
    let generate = GenerateKey {
        key_type: key_type.into(),
        length: key_length_bytes,
        template: Some(template(&label, session, attributes)?),
        quorum: Some(quorum(&sharing)),
        share_with: sharing.share_crypto_users,
    };
    let cluster = bench.cluster()?;
    let key = the!(cluster.call(Command::GenerateKey(generate))?, Key)?;
    data(OneKey { key: shown(cluster, &key), message: None })
}

pub(super) fn pair(bench: &mut Bench, command: Pair) -> Result<Data, CliError> {
    let (kind, options) = match command {
        Pair::Ec(options) => (PairKind::Ec(Curve::from(options.curve).into()), options.pair),
        Pair::MlDsa(options) => {
            (PairKind::MlDsa(MlDsaSet::from(options.mldsa_algorithm).into()), options.pair)
        }
        Pair::Rsa(options) => {
            let exponent = options.public_exponent.to_be_bytes();
            let zeros = exponent.iter().take_while(|byte| **byte == 0).count();
            let parameters = RsaParameters {
                modulus_bits: options.modulus_size_bits,
                public_exponent: exponent.get(zeros..).unwrap_or_default().to_vec(),
            };
            (PairKind::Rsa(parameters), options.pair)
        }
    };
    let PairOptions {
        public_label,
        private_label,
        session,
        public_attributes,
        private_attributes,
        share_crypto_users,
        manage_private_key_quorum_value: manage,
        use_private_key_quorum_value: usage,
    } = options;
    let generate = GenerateKeyPair {
        kind: Some(kind),
        public_template: Some(template(&public_label, session, public_attributes)?),
        private_template: Some(template(&private_label, session, private_attributes)?),
        share_with: share_crypto_users,
        quorum: Some(KeyQuorum { manage: manage.unwrap_or(0), usage: usage.unwrap_or(0) }),
    };
    let cluster = bench.cluster()?;
    let pair = the!(cluster.call(Command::GenerateKeyPair(generate))?, KeyPair)?;
    let (Some(public), Some(private)) = (pair.public, pair.private) else {
        return Err(super::unexpected());
    };
    data(PairShown { public_key: shown(cluster, &public), private_key: shown(cluster, &private) })
}

/// The attributes of a new key. They say whether it is of the session even where that is the default: the client
/// goes by it.
pub(super) fn template(
    label: &str,
    session: bool,
    attributes: Vec<Assignment>,
) -> Result<Template, CliError> {
    for (name, option) in [(AttributeName::Label, "--label"), (AttributeName::Token, "--session")] {
        if attributes.iter().any(|assignment| assignment.name == name) {
            return Err(CliError::usage(format!("use {option} instead of an attribute")));
        }
    }
    let fixed = [Assignment::label(label), Assignment::flag(AttributeName::Token, !session)];
    let all = fixed.into_iter().chain(attributes).map(Assignment::into_attribute);
    Ok(Template { attributes: all.collect() })
}

pub(super) fn quorum(sharing: &Sharing) -> KeyQuorum {
    KeyQuorum {
        manage: sharing.manage_key_quorum_value.unwrap_or(0),
        usage: sharing.use_key_quorum_value.unwrap_or(0),
    }
}

/// A key that was just made, as all HSMs show it; as the one that made it does if they cannot be asked.
pub(super) fn shown(cluster: &mut Cluster, key: &KeyDescription) -> Key {
    let everywhere = Shown::everywhere(cluster, &[key.key]);
    let found = everywhere.as_ref().ok().and_then(|shown| shown.keys().next());
    match found {
        Some(views) if views.views.iter().any(Option::is_some) => views.verbose(),
        _ => Views { handle: key.key, views: vec![Some(key)] }.verbose(),
    }
}
