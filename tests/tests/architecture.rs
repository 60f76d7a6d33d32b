//! The architecture, enforced: the dependency table over what Cargo says, the house rules over the files.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

const DOMAINS: [&str; 4] = ["huntzen-tenancy", "huntzen-booking", "huntzen-clinical", "huntzen-metrics"];

/// Pure, runtime-free crates that every domain may use.
const PURE: &[&str] =
    &["jiff", "secrecy", "serde", "serde_json", "sha2", "slug", "thiserror", "uuid", "validator", "zeroize"];

/// What each crate may depend on beyond `PURE`; a crate that is not here fails the test.
const ALLOWED: &[(&str, &[&str])] = &[
    ("huntzen-tenancy", &[]),
    ("huntzen-booking", &["huntzen-tenancy", "icalendar"]),
    ("huntzen-clinical", &["huntzen-tenancy"]),
    ("huntzen-metrics", &["huntzen-tenancy", "csv"]),
    ("huntzen-adapter-diesel", &["@domains", "@diesel"]),
    ("huntzen-adapter-memory", &["@domains", "parking_lot"]),
    ("huntzen-adapter-crypto", &["@domains", "@crypto", "data-encoding", "getrandom", "hmac", "sha1"]),
    ("huntzen-adapter-smtp", &["huntzen-tenancy", "@mail"]),
    ("huntzen-adapter-files", &["huntzen-tenancy", "huntzen-clinical", "@objects", "@tls", "futures-util"]),
    ("huntzen-adapter-redis", &["huntzen-tenancy", "huntzen-clinical", "@redis", "@tls", "parking_lot"]),
    ("huntzen-app", &["*"]),
    ("huntzen-tests", &["*"]),
];

/// Crates that have only one home each.
const ONLY_HOME: &[(&str, &[&str])] = &[
    ("@diesel", &["diesel", "diesel_migrations", "jiff-diesel", "pq-sys", "r2d2"]),
    ("@crypto", &["aead-stream", "bcrypt", "chacha20poly1305", "ed25519-dalek", "jsonwebtoken", "totp-rs"]),
    ("@mail", &["handlebars", "lettre"]),
    ("@objects", &["object_store", "reqwest"]),
    ("@redis", &["redis"]),
    ("@tls", &["rustls"]),
    (
        "@http",
        &["actix-cors", "actix-multipart", "actix-web", "actix-ws", "clap", "tokio", "utoipa", "utoipa-swagger-ui"],
    ),
    ("@markdown", &["ammonia", "pulldown-cmark"]),
    (
        "@telemetry",
        &[
            "opentelemetry",
            "opentelemetry-http",
            "opentelemetry-otlp",
            "opentelemetry_sdk",
            "prometheus-client",
            "sentry",
            "ureq",
        ],
    ),
];

/// Where the crates of `ONLY_HOME` may live; the tests may use them all.
const HOMES: &[(&str, &[&str])] = &[
    ("@diesel", &["huntzen-adapter-diesel"]),
    ("@crypto", &["huntzen-adapter-crypto"]),
    ("@mail", &["huntzen-adapter-smtp"]),
    ("@markdown", &["huntzen-app"]),
    ("@objects", &["huntzen-adapter-files"]),
    ("@redis", &["huntzen-adapter-redis"]),
    ("@tls", &["huntzen-adapter-files", "huntzen-adapter-redis"]),
    ("@http", &["huntzen-app"]),
    ("@telemetry", &["huntzen-app"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).exec().unwrap()
}

/// The direct, normal dependencies of each workspace member.
fn dependencies(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    metadata
        .workspace_packages()
        .iter()
        .map(|package| {
            let normal = package.dependencies.iter().filter(|one| one.kind == DependencyKind::Normal);
            (package.name.to_string(), normal.map(|one| one.name.clone()).collect())
        })
        .collect()
}

/// The folder of the workspace.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file within these folders of the workspace.
fn rust_files(folders: &[&str]) -> Vec<PathBuf> {
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| workspace().join(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

fn named(list: &'static [(&str, &[&str])], name: &str) -> &'static [&'static str] {
    list.iter().find(|(known, _)| *known == name).map_or(&[], |(_, crates)| crates)
}

#[test]
fn every_crate_depends_on_no_more_than_the_table_allows() {
    for (package, dependencies) in dependencies(&metadata()) {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package) else {
            panic!("{package} is not in the dependency table");
        };
        for dependency in dependencies {
            let fits = PURE.contains(&dependency.as_str())
                || allowed.iter().any(|entry| match *entry {
                    "*" => true,
                    "@domains" => DOMAINS.contains(&dependency.as_str()),
                    group if group.starts_with('@') => named(ONLY_HOME, group).contains(&dependency.as_str()),
                    name => name == dependency,
                });
            assert!(fits, "{package} must not depend on {dependency}");
        }
    }
}

#[test]
fn what_has_one_home_lives_nowhere_else() {
    let dependencies = dependencies(&metadata());
    for (group, crates) in ONLY_HOME {
        for (package, theirs) in &dependencies {
            let at_home = named(HOMES, group).contains(&package.as_str()) || package == "huntzen-tests";
            for one in *crates {
                assert!(at_home || !theirs.contains(*one), "{one} has no business in {package}");
            }
        }
    }
}

#[test]
fn domains_know_no_runtime_and_no_database_even_indirectly() {
    let metadata = metadata();
    let nodes: BTreeMap<_, _> =
        metadata.resolve.as_ref().unwrap().nodes.iter().map(|node| (node.id.clone(), node)).collect();
    for domain in DOMAINS {
        let root = metadata.packages.iter().find(|package| package.name.as_str() == domain).unwrap();
        let mut seen = BTreeSet::new();
        let mut open = vec![root.id.clone()];
        while let Some(id) = open.pop() {
            if seen.insert(id.clone()) {
                let node = nodes.get(&id).unwrap();
                let normal = |kinds: &[cargo_metadata::DepKindInfo]| {
                    kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
                };
                open.extend(node.deps.iter().filter(|one| normal(&one.dep_kinds)).map(|one| one.pkg.clone()));
            }
        }
        for package in metadata.packages.iter().filter(|package| seen.contains(&package.id)) {
            let name = package.name.as_str();
            for banned in ["tokio", "actix-web", "actix-rt", "diesel", "lettre", "redis", "hyper"] {
                assert_ne!(name, banned, "{domain} reaches {banned}");
            }
        }
    }
}

#[test]
fn the_workspace_manifest_sets_the_house_lints_for_every_crate() {
    for package in metadata().workspace_packages() {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} has lints of its own", package.name);
    }
}

#[test]
fn the_app_names_its_adapters_in_the_wiring_alone() {
    let wiring = workspace().join("crates/app/src/wiring.rs");
    let files = rust_files(&["crates/app/src"]);
    assert!(fs::read_to_string(&wiring).unwrap().contains("huntzen_adapter_diesel"), "nothing is wired");
    for file in files.iter().filter(|file| **file != wiring) {
        let text = fs::read_to_string(file).unwrap();
        assert!(!text.contains("huntzen_adapter_"), "{} names an adapter", file.display());
    }
}

#[test]
fn no_crate_and_no_module_is_a_drawer_for_everything() {
    let drawers = ["common", "shared", "utils", "core", "helpers", "misc"];
    for package in metadata().workspace_packages() {
        let name = package.name.as_str();
        assert!(!drawers.iter().any(|drawer| name.split('-').any(|word| word == *drawer)), "{name}");
    }
    let files = rust_files(&["crates", "tests"]);
    assert!(files.len() > 100, "the files are elsewhere");
    for file in files {
        let within = file.strip_prefix(workspace()).unwrap().with_extension("");
        let drawer = within.iter().find(|part| drawers.iter().any(|drawer| *part == *drawer));
        assert!(drawer.is_none(), "{} is a drawer", file.display());
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines() {
            let declared = line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            let inline = declared.strip_prefix("mod ").and_then(|rest| rest.split([' ', ';', '{']).next());
            assert!(!inline.is_some_and(|name| drawers.contains(&name)), "{}: {line}", file.display());
        }
    }
}

#[test]
fn every_file_opens_by_saying_what_lives_there() {
    for file in rust_files(&["crates", "tests"]) {
        let text = fs::read_to_string(&file).unwrap();
        let opening = text.lines().next().and_then(|line| line.strip_prefix("//! "));
        assert!(opening.is_some_and(|sentence| !sentence.trim().is_empty()), "{} opens without a word", file.display());
    }
}
