// SPDX-License-Identifier: MIT
//! download OUT URL...: all of them at once into files in the directory OUT, by reqwest on a tokio
//! runtime with two worker threads, which reads no proxy variable.

use std::error::Error;
use std::path::{Path, PathBuf};

async fn download(client: reqwest::Client, out: PathBuf, url: String) -> Result<(), Box<dyn Error + Send + Sync>> {
    let body = client.get(&url).send().await?.error_for_status()?.bytes().await?;
    let name = url.rsplit('/').next().unwrap_or_default();
    std::fs::write(out.join(name), body)?;
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut words = std::env::args().skip(1);
    let out = words.next().ok_or("usage: download OUT URL...")?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let tasks: Vec<_> = words
        .map(|url| tokio::spawn(download(client.clone(), Path::new(&out).into(), url)))
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}
