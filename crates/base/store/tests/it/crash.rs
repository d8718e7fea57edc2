//! What was acknowledged survives the process.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use strongroom_testkit::{TestDatabase, run};

use crate::tables::{ADD_ACCOUNT, ADD_PAYMENT, COUNT_PAYMENTS, open};

/// Names the child's database.
const URL: &str = "STRONGROOM_TEST_CRASH_URL";

#[test]
#[ignore = "the killed process of the next test"]
fn writes_until_killed() {
    run(async {
        let url = env::var(URL).unwrap();
        let db = strongroom_store::Db::open(&url, &strongroom_store::OpenOptions::default()).await.unwrap();
        let mut stdout = std::io::stdout();
        for number in 0_i64.. {
            db.execute(ADD_PAYMENT, &["a".into(), number.into()]).await.unwrap();
            writeln!(stdout, "\nwrote {number}").unwrap();
        }
    });
}

#[test]
fn what_was_acknowledged_survives_sigkill() {
    run(async {
        let database = TestDatabase::sqlite();
        let db = open(&database).await;
        db.execute(ADD_ACCOUNT, &["a".into(), 0_i64.into()]).await.unwrap();
        db.close().await.unwrap();

        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "crash::writes_until_killed", "--ignored", "--nocapture"])
            .env(URL, database.url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let wrote = |line: String| line.strip_prefix("wrote ").and_then(|number| number.parse::<i64>().ok());
        let mut numbers = lines.filter_map(wrote);
        assert!(numbers.any(|number| number == 50), "the child does not write");
        child.kill().unwrap();
        // What stands in the pipe was acknowledged, too.
        let last = numbers.last().unwrap_or(50);
        child.wait().unwrap();

        let db = open(&database).await;
        let found = db.query_one(COUNT_PAYMENTS, &["a".into()]).await.unwrap().i64("payments").unwrap();
        assert!(found > last, "{} were acknowledged and {found} are there", last + 1);
    });
}
