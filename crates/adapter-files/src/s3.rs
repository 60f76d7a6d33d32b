//! A bucket of an S3-compatible server as the storage.
use std::{sync::Arc, time::Duration};

use object_store::{BackoffConfig, ClientOptions, RetryConfig, aws::AmazonS3Builder};
use secrecy::{ExposeSecret, SecretString};

use crate::{SetupError, objects::ObjectFiles};

/// The smallest part that S3 takes of an object in parts, the last apart; what an upload holds.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// Which bucket of which server.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The bucket; it must be there.
    pub bucket: String,
    /// The server, such as `https://minio.example.org`; Amazon's of the region when absent.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// Id and secret of the key that signs; those of the machine's role when absent.
    pub credentials: Option<(String, SecretString)>,
}

/// The bucket that `settings` name. Nothing is asked of the server yet.
///
/// # Errors
/// When the settings make no client.
pub fn s3_bucket(settings: &S3Settings) -> Result<ObjectFiles, SetupError> {
    // The client's TLS takes the provider of the process; another one that is there already will do.
    drop(rustls::crypto::ring::default_provider().install_default());
    let plain = settings.endpoint.as_ref().is_some_and(|url| url.starts_with("http://"));
    // Each worker has a runtime of its own, and a connection lives only as long as the one that made
    // it runs: none is kept for another.
    let options = ClientOptions::new()
        .with_allow_http(plain)
        .with_connect_timeout(Duration::from_secs(5))
        // A whole file may take a client long; a portion of it does not.
        .with_timeout_disabled()
        .with_read_timeout(Duration::from_secs(10))
        .with_pool_max_idle_per_host(0);
    let retries = RetryConfig {
        backoff: BackoffConfig { max_backoff: Duration::from_secs(1), ..BackoffConfig::default() },
        max_retries: 2,
        retry_timeout: Duration::from_secs(20),
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_client_options(options)
        .with_retry(retries);
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some((id, secret)) = &settings.credentials {
        builder = builder.with_access_key_id(id).with_secret_access_key(secret.expose_secret());
    }
    Ok(ObjectFiles::new(Arc::new(builder.build()?), PART_BYTES, None))
}
