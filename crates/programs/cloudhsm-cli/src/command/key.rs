//! `key delete`, `import`, `set-attribute`, `share` and `unshare`

use strongroom_hsm_proto::command::{
    Attribute, Command, DeleteKey, ImportPublicKey, SetAttribute, ShareKey, UnshareKey,
};

use super::generate::{shown, template};
use super::{selection, the, token};
use crate::bench::Bench;
use crate::error::CliError;
use crate::file::public_key::{self, PublicKey};
use crate::grammar::RoleName;
use crate::grammar::key::{self, ImportPem, OneKey, PublicKind, Share};
use crate::output::key::OneKey as Shown;
use crate::output::{Data, data, message};

pub(super) fn delete(bench: &mut Bench, options: &OneKey) -> Result<Data, CliError> {
    let cluster = bench.cluster()?;
    let key = selection::one(cluster, &options.filter)?;
    cluster.call(Command::DeleteKey(DeleteKey { key }))?;
    Ok(message("Key deleted successfully"))
}

pub(super) fn import(bench: &mut Bench, options: ImportPem) -> Result<Data, CliError> {
    let public_key = public_key::read_pem(&options.path)?;
    match (public_key::look_into(&public_key), options.key_type_class) {
        (Some(PublicKey::Rsa { .. }), PublicKind::RsaPublic)
        | (Some(PublicKey::Ec { .. }), PublicKind::EcPublic) => {}
        (Some(_), _) => {
            return Err(CliError::file(&options.path, "not a key of the type that --key-type-class says"));
        }
        (None, _) => return Err(CliError::file(&options.path, "not a public key")),
    }
    let template = Some(template(&options.label, false, options.attributes)?);
    let cluster = bench.cluster()?;
    let key = the!(cluster.call(Command::ImportPublicKey(ImportPublicKey { public_key, template }))?, Key)?;
    data(Shown { key: shown(cluster, &key), message: Some("Successfully imported key") })
}

pub(super) fn set_attribute(bench: &mut Bench, options: &key::SetAttribute) -> Result<Data, CliError> {
    let approvals = token::approvals([options.approval.as_deref()])?;
    let value = options.name.read(&options.value).map_err(CliError::usage)?;
    let attribute = Some(Attribute { name: options.name.0.into(), value: Some(value) });
    let cluster = bench.cluster()?;
    let key = selection::one(cluster, &options.filter)?;
    cluster.call_approved(Command::SetAttribute(SetAttribute { key, attribute }), approvals)?;
    Ok(message("Attribute set successfully"))
}

pub(super) fn share(bench: &mut Bench, options: &Share) -> Result<Data, CliError> {
    change_sharing(bench, options, |key, username| Command::ShareKey(ShareKey { key, username }))?;
    Ok(message("Key shared successfully"))
}

pub(super) fn unshare(bench: &mut Bench, options: &Share) -> Result<Data, CliError> {
    change_sharing(bench, options, |key, username| Command::UnshareKey(UnshareKey { key, username }))?;
    Ok(message("Key unshared successfully"))
}

fn change_sharing(
    bench: &mut Bench,
    options: &Share,
    command: impl Fn(u64, String) -> Command,
) -> Result<(), CliError> {
    if options.role != RoleName::CryptoUser {
        return Err(CliError::usage("keys are shared with crypto users: --role crypto-user"));
    }
    let approvals = token::approvals([options.approval.as_deref()])?;
    let cluster = bench.cluster()?;
    let key = selection::one(cluster, &options.filter)?;
    cluster.call_approved(command(key, options.username.clone()), approvals)?;
    Ok(())
}
