// SPDX-License-Identifier: MIT
//! get env|no-proxy URL FILE: one GET by reqwest, which reads the proxy variables or is built not to.

use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [proxy, url, path] = &words[..] else {
        return Err("usage: get env|no-proxy URL FILE".into());
    };
    let mut builder = reqwest::Client::builder();
    if proxy == "no-proxy" {
        builder = builder.no_proxy();
    }
    let response = builder.build()?.get(url).send().await?.error_for_status()?;
    std::fs::write(path, response.bytes().await?)?;
    Ok(())
}
