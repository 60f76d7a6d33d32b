//! `huntzen serve`: the API, the letter worker and the recurring jobs, until a signal says stop.
use std::{io, net::SocketAddr, sync::Arc, thread::available_parallelism};

use actix_web::{rt::System, web::Data};
use prometheus_client::registry::Registry;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, say};
use crate::{
    config::{Config, Environment, short_names::shown_name},
    database::Database,
    demo,
    embedded::Purpose,
    erasures::ErasureLedger,
    http::operations,
    offload::LaneSizes,
    server::{ServerSettings, listen, serve_until},
    services::Services,
    state::Edge,
    telemetry::{Exporters, exposition::Exposition, readings::Readings},
    wiring,
    workers::{Bell, Tasks, Workers},
};

pub(super) fn run(config: &Config) -> Result<(), Failure> {
    let exporters = Exporters::start(config)?;
    let vault = wiring::vault(config)?;
    let database = Database::open(config, Purpose::Serve)?;
    database.prepare(vault.as_ref())?;
    let ports = wiring::among_nodes(config, wiring::ports(config, &database, config.database.pool_size)?)?;
    let services = Data::new(wiring::services_over(config, &ports)?);
    let settings = ServerSettings::of(config);
    let lanes = LaneSizes::of(settings.pool_size, available_parallelism().map_or(1, usize::from));
    allow_open_files();
    let bell = Arc::new(Bell::default());
    let edge = Data::new(Edge::new(config, &ports, &services, lanes, Arc::clone(&bell)));
    let served: Result<(), Failure> = System::new().block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let listening =
            listen(&settings, edge.clone(), services.clone(), operations).map_err(|error| taken(&settings, error))?;
        let exposition = expose(config, &edge, &services)?;
        let workers = Workers::start(
            bell,
            Tasks {
                dispatch: services.dispatch.clone(),
                booking: services.jobs.clone(),
                unread: services.unread.clone(),
                feed: services.live.clone(),
                rooms: services.room_feed.clone(),
                hub: Arc::clone(&edge.hub),
                calling: services.calling.clone(),
                chains: services.chain_linking.clone(),
                statements: services.statements.clone(),
                releases: services.releases.clone(),
                reconciling: services.reconciling.clone(),
                visits: services.visits.clone(),
                file_removal: services.file_removal.clone(),
                storage: Arc::clone(&ports.storage),
                erasing: services.erasing.clone(),
                ledger: ErasureLedger::within(&config.database.data_dir),
                discarding: services.discarding.clone(),
                care_discarding: services.care_discarding.clone(),
                forget: {
                    let edge = edge.clone();
                    Box::new(move |user| edge.sessions.forget_user(user))
                },
                meters: edge.meters.clone(),
            },
            config.jobs.clone(),
            Arc::clone(&ports.clock),
        )?;
        announce(config, &database, &listening.addresses);
        let stop = async move {
            tokio::select! { _ = terminated.recv() => {}, _ = interrupted.recv() => {} }
            tracing::info!("stopping: what was accepted is finished first");
            edge.hub.close_all();
        };
        let served = serve_until(listening, stop).await;
        workers.stop();
        if let Some(exposition) = exposition {
            exposition.stop().await;
        }
        Ok(served?)
    });
    // The database goes last: the workers have just used it.
    drop(database);
    exporters.stop();
    served
}

/// Takes as many open files as the system grants without asking: a connection takes two, and what is
/// granted at first is often a thousand.
fn allow_open_files() {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, files) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Serves the metrics, unless the operator wants none. Who tries something out on a machine where another
/// program has the port goes on without them; an installation whose watchers would see nothing does not start.
fn expose(config: &Config, edge: &Data<Edge>, services: &Services) -> Result<Option<Exposition>, Failure> {
    let Some(address) = config.telemetry.prometheus else { return Ok(None) };
    let mut registry = Registry::default();
    edge.meters.register(&mut registry);
    edge.messages.meters().register(&mut registry);
    registry.register_collector(Box::new(Readings::new(edge.clone(), services.health.clone())));
    match Exposition::start(address, registry) {
        Ok(exposition) => {
            if let Some(address) = exposition.address {
                tracing::info!(%address, "metrics are served");
            }
            Ok(Some(exposition))
        }
        Err(error) if config.environment == Environment::Development => {
            let key = shown_name("telemetry.prometheus");
            tracing::warn!(%address, %error, "no metrics are served: set {key} to another address, or to off");
            Ok(None)
        }
        Err(error) => {
            let key = shown_name("telemetry.prometheus");
            Err(format!("the metrics cannot be served at {address} ({error}); set {key} to another address, or to off")
                .into())
        }
    }
}

fn taken(settings: &ServerSettings, error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::AddrInUse {
        let (host, port) = (&settings.host, settings.port);
        return format!("{host}:{port} is taken by another program; choose another port with PORT=3001").into();
    }
    error.into()
}

/// Tells where to look; in development also who may sign in.
fn announce(config: &Config, database: &Database, addresses: &[SocketAddr]) {
    for address in addresses {
        tracing::info!(%address, environment = config.environment.name(), "serving");
    }
    if config.environment != Environment::Development {
        return;
    }
    let Some(address) = addresses.first() else { return };
    let data = config.database.data_dir.display();
    say("");
    say(&format!("HuntZen Care serves at   http://{address}"));
    if config.http.docs_enabled {
        say(&format!("API documentation        http://{address}/api/docs"));
        say(&format!("Of the three sockets     http://{address}/api/asyncapi.yaml"));
    }
    say(&format!("Letters                  {data}/mail, listed at http://{address}/dev/mail"));
    if let Some(folder) = database.embedded().and_then(crate::embedded::Embedded::moved_to) {
        say(&format!("Database                 {} (the data folder is closed to it)", folder.display()));
    }
    say(&format!("Password of the accounts that 'huntzen seed' makes: {}", demo::PASSWORD));
    for (role, email) in demo::SIGN_INS {
        say(&format!("  {role:<14} {email}"));
    }
    say("Stop with Ctrl-C. Another port: PORT=3001 make run. A fresh start: make clean-data.");
}
