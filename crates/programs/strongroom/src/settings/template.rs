//! The configuration that `strongroom init` writes: every setting, with what it means; those that are as they are anyway
//! are commented out.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What somebody has chosen. `None` stays as it is by default.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) plain_http: bool,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) store: Option<String>,
    pub(crate) store_password_file: Option<PathBuf>,
    pub(crate) seal_dir: Option<PathBuf>,
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// The text before the first section.
const HEAD: &str = "\
# The configuration of Strongroom: strongroom serve --config FILE
# Lines that begin with # show what a setting is where nothing is said. Each can be given by the environment too, as
# STRONGROOM_SECTION_FIELD: STRONGROOM_SERVER_LISTEN for `listen` of [server].
";

/// The text of a configuration.
pub(crate) fn configuration(chosen: &Chosen) -> String {
    let mut text = Text(HEAD.to_owned());
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| quoted(&path.display().to_string()));

    text.section("server");
    let listen = chosen.listen.map(|listen| quoted(&listen.to_string()));
    text.setting("Address and port.", "listen", listen, "\"127.0.0.1:8443\"");
    text.setting(
        "The certificate for the names that clients call it by, in PEM, with its chain. Read again on SIGHUP.",
        "certificate",
        path(&chosen.certificate),
        "\"/etc/strongroom/tls/server.pem\"",
    );
    text.setting("Its private key, in PEM.", "key", path(&chosen.key), "\"/etc/strongroom/tls/server.key\"");
    text.setting(
        "Serve without TLS where other machines reach the server: something in front of it has the certificate.",
        "plain_http",
        chosen.plain_http.then(|| "true".to_owned()),
        "false",
    );
    text.setting(
        "Origins whose web pages may call, beside pages of this machine.",
        "allow_origins",
        None,
        "[\"https://console.example.com\"]",
    );

    text.section("data");
    text.setting(
        "Where journal, index and HSMs are kept, and the store if it is SQLite.",
        "dir",
        path(&chosen.data_dir),
        "\"/var/lib/strongroom\"",
    );

    text.section("store");
    text.setting(
        "sqlite, a file in the data folder; or postgres://user@host/database, for several servers.",
        "url",
        chosen.store.as_deref().map(quoted),
        "\"sqlite\"",
    );
    text.setting(
        "The file with PostgreSQL's password.",
        "password_file",
        path(&chosen.store_password_file),
        "\"/etc/strongroom/store.password\"",
    );
    text.setting("Connections to PostgreSQL.", "connections", None, "16");

    text.section("objects");
    text.setting(
        "Where the objects of S3 are kept [default: objects in the data folder]. Servers that share a store share this folder.",
        "dir",
        None,
        "\"/var/lib/strongroom/objects\"",
    );

    text.section("seal");
    text.setting(
        "Where the seal is kept [default: seal in the data folder]. Without it nothing of the store opens: back it up, and \
         not beside the data.",
        "dir",
        path(&chosen.seal_dir),
        "\"/var/lib/strongroom/seal\"",
    );
    let slot = chosen.passphrase_file.as_ref().map(|_| quoted("passphrase"));
    text.setting("What opens it: file, a key file beside it; or passphrase.", "slot", slot, "\"file\"");
    text.setting(
        "The file with the passphrase, for example a credential of systemd.",
        "passphrase_file",
        path(&chosen.passphrase_file),
        "\"/run/credentials/strongroom.service/passphrase\"",
    );

    journal(&mut text);
    others(&mut text);
    text.0
}

/// What is recorded, and how surely.
fn journal(text: &mut Text) {
    text.section("journal");
    text.setting(
        "When a call counts as recorded, and is answered: sync, once the record is on the disk; or written, once the kernel \
         has it, which survives the end of the process and not that of the machine.",
        "durability",
        None,
        "\"sync\"",
    );
    text.setting(
        "How long the record of a call waits, at most, for those of others to be written with it, in microseconds, 0 to 10000 \
         [default: 200 with sync, 50 with written]. More costs the processor and the disk less, and single callers nothing.",
        "gather_microseconds",
        None,
        "200",
    );
    text.setting(
        "How long records are kept, in days, 1 to 36500. AWS shows 90.",
        "retention_days",
        None,
        "90",
    );
    text.setting(
        "How often it is signed how far the journal is, in seconds, 1 to 3600.",
        "checkpoint_seconds",
        None,
        "60",
    );
    text.setting(
        "Folders that have a copy of each such checkpoint. Kept on another machine, they show what was cut off the journal's \
         end, or that it was rolled back.",
        "checkpoint_copies",
        None,
        "[\"/mnt/elsewhere/strongroom\"]",
    );
    text.setting(
        "The size of a file of the journal, in mebibytes, 1 to 64.",
        "segment_mebibytes",
        None,
        "16",
    );
    text.setting(
        "Keep with each record how it was decided, also of calls that are allowed, for `strongroom explain`.",
        "explain_allowed",
        None,
        "false",
    );
}

/// What nobody has chosen yet when a server is made.
fn others(text: &mut Text) {
    text.section("clusters");
    text.setting(
        "The addresses of default VPCs, in which HSMs listen.",
        "vpc_cidr",
        None,
        "\"127.31.0.0/16\"",
    );
    text.setting(
        "The HSM's program [default: beside this one].",
        "hsmd",
        None,
        "\"/usr/bin/strongroom-hsmd\"",
    );
    text.setting("Whether clusters are backed up every day.", "daily_backups", None, "true");

    text.section("key_stores");
    text.setting(
        "How long a cluster may take for a call of KMS, in seconds, 1 to 300.",
        "timeout_seconds",
        None,
        "5",
    );

    text.section("enclaves");
    text.setting(
        "The root certificates, in PEM, of other makers of enclaves than AWS, whose attestation documents KMS is to believe.",
        "roots",
        None,
        "[\"/etc/strongroom/enclaves.pem\"]",
    );

    text.section("feed");
    text.setting(
        "Several servers on one PostgreSQL: the age, in seconds, 1 to 60, of what a server knows of the store beyond which \
         it refuses calls.",
        "stale_after_seconds",
        None,
        "5",
    );

    text.section("trails");
    text.setting(
        "How often trails deliver what they log, in seconds, 1 to 3600.",
        "delivery_seconds",
        None,
        "300",
    );
    text.setting(
        "Another S3 than the one here, for all trails: at AWS, or at whatever speaks like it, addressed by path. Files there are \
         encrypted as its buckets say.",
        "s3_endpoint",
        None,
        "\"https://s3.eu-central-1.amazonaws.com\"",
    );
    text.setting("Its Region.", "s3_region", None, "\"us-east-1\"");
    text.setting("The access key that calls it.", "s3_access_key_id", None, "\"AKIAIOSFODNN7EXAMPLE\"");
    text.setting(
        "The file with its secret.",
        "s3_secret_access_key_file",
        None,
        "\"/etc/strongroom/trails.secret\"",
    );

    text.section("sns");
    text.setting(
        "Where those who get messages reach this server: what the links in them begin with [default: where it listens].",
        "public_url",
        None,
        "\"https://keys.example.com\"",
    );
    text.setting(
        "Networks whose addresses messages are carried to beside public ones. Whoever may subscribe chooses the address.",
        "deliver_to",
        None,
        "[\"10.20.0.0/16\"]",
    );
    text.setting(
        "The mail server for subscriptions by email, with a user if it wants one: smtps://user@host, or \
         smtp://host:587?tls=required.",
        "smtp_url",
        None,
        "\"smtps://strongroom@mail.example.com\"",
    );
    text.setting(
        "The file with that user's password.",
        "smtp_password_file",
        None,
        "\"/etc/strongroom/smtp.password\"",
    );
    text.setting("The address that mails come from.", "mail_from", None, "\"no-reply@keys.example.com\"");

    quotas(text);

    text.section("compat");
    text.setting("Refuse what AWS refuses, also where Strongroom could do it.", "strict", None, "false");

    text.section("log");
    text.setting(
        "What is logged, for example debug, or info,strongroom_kms=debug.",
        "filter",
        None,
        "\"warn,strongroom=info\"",
    );
    text.setting("text for people, json for one JSON object a line.", "format", None, "\"text\"");

    text.section("metrics");
    text.setting(
        "The networks from whose addresses /_strongroom/metrics may be read, by Prometheus for example [default: this machine, and nobody \
         where the server has no certificate: behind a proxy everybody comes from this machine].",
        "allow",
        None,
        "[\"127.0.0.0/8\", \"::1/128\"]",
    );

    text.section("limits");
    text.setting("Connections at one time; further ones wait.", "connections", None, "10000");
    text.setting("Calls at work at one time; others wait for a place.", "requests", None, "1024");
    text.setting(
        "Memory for the bodies of requests, in MiB; a quarter of it is for those of at most 8 KiB.",
        "body_memory_mib",
        None,
        "256",
    );
    text.setting(
        "Seconds that calls under way are given when the server stops.",
        "shutdown_seconds",
        None,
        "20",
    );
}

/// How much an account may have.
fn quotas(text: &mut Text) {
    text.section("quotas");
    text.setting(
        "KMS keys that an account may have in a Region [default: no limit; AWS's is 100000].",
        "keys",
        None,
        "100000",
    );
    text.setting("Aliases that one key may have, up to AWS's 50.", "aliases_per_key", None, "50");
    text.setting("Grants that one key may have, up to AWS's 50000.", "grants_per_key", None, "50000");
    text.setting(
        "Custom key stores that an account may have in a Region, up to AWS's 10.",
        "key_stores",
        None,
        "10",
    );
    text.setting(
        "Refuse requests beyond those that AWS lets an account make in a second (ThrottlingException).",
        "requests",
        None,
        "false",
    );
}

/// A configuration that grows.
struct Text(String);

impl Text {
    fn section(&mut self, name: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "\n[{name}]");
    }

    /// One setting: as chosen, or, commented out, what it is anyway or looks like.
    fn setting(&mut self, meaning: &str, name: &str, chosen: Option<String>, usual: &str) {
        let _ = writeln!(self.0, "# {meaning}");
        let _ = match chosen {
            Some(value) => writeln!(self.0, "{name} = {value}"),
            None => writeln!(self.0, "# {name} = {usual}"),
        };
    }
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;

    use super::*;
    use crate::settings::{SECTIONS, Settings};

    /// The configuration with nothing commented out.
    fn everything() -> toml::Table {
        let text = configuration(&Chosen::default());
        let is_setting = |line: &str| line.split_once(" = ").is_some_and(|(name, _)| !name.contains(' '));
        let lines = text.lines().filter_map(|line| match line.strip_prefix("# ") {
            Some(rest) => is_setting(rest).then_some(rest),
            None => Some(line).filter(|line| !line.starts_with('#')),
        });
        lines.collect::<Vec<_>>().join("\n").parse().unwrap()
    }

    #[test]
    fn it_shows_every_setting_that_there_is() {
        let everything = everything();
        Settings::deserialize(everything.clone()).unwrap();
        for section in SECTIONS {
            let shown = everything[*section].as_table().unwrap();
            let asked = format!("[{section}]\nno_such_setting = 1").parse::<toml::Table>().unwrap();
            let refused = Settings::deserialize(asked).unwrap_err().message().to_owned();
            // The refusal names them all.
            let known = refused.split("expected ").nth(1).unwrap().split('`').skip(1).step_by(2);
            for name in known {
                assert!(shown.contains_key(name), "`configuration` does not show {name} of [{section}]");
            }
        }
    }

    #[test]
    fn it_is_read_as_it_was_chosen() {
        let chosen = Chosen {
            listen: Some("[::1]:1".parse().unwrap()),
            certificate: Some("/a \"quoted\" folder/c.pem".into()),
            key: Some("/k".into()),
            data_dir: Some("/d".into()),
            store: Some("postgres://me@host/db".to_owned()),
            store_password_file: Some("/p".into()),
            seal_dir: Some("/s".into()),
            passphrase_file: Some("/w".into()),
            plain_http: false,
        };
        let table: toml::Table = configuration(&chosen).parse().unwrap();
        let settings = Settings::deserialize(table).unwrap();
        assert_eq!(settings.server.listen, chosen.listen.unwrap());
        assert_eq!(
            settings.server.tls().unwrap().unwrap().certificate.as_path(),
            chosen.certificate.unwrap()
        );
        assert_eq!(settings.data.dir(), chosen.data_dir.unwrap());
        assert_eq!(settings.seal.slot, crate::settings::Slot::Passphrase);
    }
}
