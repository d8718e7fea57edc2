//! The load: requests sent again and again over many connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::http::{Target, answer_length};

/// What a load brought.
pub(crate) struct Load {
    pub(crate) answers: u64,
    /// Answers a second.
    pub(crate) rate: f64,
}

/// Sends a request over `connections` for `time`, one after the other on each.
pub(crate) fn run(address: SocketAddr, target: &Target, connections: usize, time: Duration) -> Result<Load> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let answered = Arc::new(AtomicU64::new(0));
        let begun = Instant::now();
        let tasks: Vec<_> = (0..connections)
            .map(|_| tokio::spawn(converse(address, target.clone(), begun + time, answered.clone())))
            .collect();
        for task in tasks {
            task.await??;
        }
        let answers = answered.load(Ordering::Relaxed);
        Ok(Load { answers, rate: answers as f64 / begun.elapsed().as_secs_f64() })
    })
}

async fn converse(address: SocketAddr, target: Target, end: Instant, answered: Arc<AtomicU64>) -> Result<()> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 16 * 1024];
    while Instant::now() < end {
        stream.write_all(&target).await?;
        let mut filled = 0;
        loop {
            let count = stream.read(&mut buffer[filled..]).await?;
            ensure!(count > 0, "the server closed a connection");
            filled += count;
            if answer_length(&buffer[..filled]).is_some_and(|length| filled >= length) {
                break;
            }
        }
        ensure!(
            buffer.starts_with(b"HTTP/1.1 200"),
            "refused: {}",
            String::from_utf8_lossy(&buffer[..filled])
        );
        answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
