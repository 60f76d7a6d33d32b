//! The dependency table of the architecture, enforced over what Cargo says.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

const DOMAINS: [&str; 4] = ["huntzen-tenancy", "huntzen-booking", "huntzen-clinical", "huntzen-metrics"];

/// Pure, runtime-free crates that every domain may use.
const PURE: &[&str] = &[
    "jiff", "secrecy", "serde", "serde_json", "sha2", "slug", "thiserror", "uuid", "validator", "zeroize",
];

/// What each crate may depend on beyond `PURE`; a crate that is not here fails the test.
const ALLOWED: &[(&str, &[&str])] = &[
    ("huntzen-tenancy", &[]),
    ("huntzen-booking", &["huntzen-tenancy", "icalendar"]),
    ("huntzen-clinical", &["huntzen-tenancy"]),
    ("huntzen-metrics", &["huntzen-tenancy", "csv"]),
    ("huntzen-adapter-diesel", &["@domains", "@diesel", "diesel_migrations", "pq-sys", "r2d2"]),
    ("huntzen-adapter-memory", &["@domains", "parking_lot"]),
    ("huntzen-adapter-crypto", &["@domains", "@crypto", "data-encoding", "getrandom"]),
    ("huntzen-adapter-smtp", &["huntzen-tenancy", "@mail"]),
    ("huntzen-app", &["*"]),
    ("huntzen-tests", &["*"]),
];

/// Crates that have only one home each.
const ONLY_HOME: &[(&str, &[&str])] = &[
    ("@diesel", &["diesel", "diesel_migrations", "jiff-diesel", "pq-sys", "r2d2"]),
    ("@crypto", &["bcrypt", "hmac", "jsonwebtoken"]),
    ("@mail", &["handlebars", "lettre"]),
    ("@http", &["actix-cors", "actix-web", "clap", "tokio", "utoipa", "utoipa-swagger-ui"]),
];

/// Where the crates of `ONLY_HOME` may live; the tests may use them all.
const HOMES: &[(&str, &[&str])] = &[
    ("@diesel", &["huntzen-adapter-diesel"]),
    // The configuration derives the application role's password with the same HMAC.
    ("@crypto", &["huntzen-adapter-crypto"]),
    ("@mail", &["huntzen-adapter-smtp"]),
    ("@http", &["huntzen-app"]),
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
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} has lints of its own", package.name);
    }
}
