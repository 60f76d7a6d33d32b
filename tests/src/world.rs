//! A fresh, empty system over either store.
use std::sync::{Arc, Mutex};

use huntzen_adapter_crypto::{Ed25519Signer, KeyRing, OsRandomness, XChaChaVault};
use huntzen_adapter_diesel::PgStore;
use huntzen_adapter_memory::MemoryStore;
use huntzen_booking::BookingStore;
use huntzen_clinical::{ClinicalPorts, ClinicalStore};
use huntzen_metrics::{MetricsPorts, MetricsStore};
use huntzen_tenancy::{
    TenancyStore,
    audit::{ChainPorts, CheckpointSigner},
    clock::Randomness,
    sealing::{RotationStore, Sealer, Vault},
};

use crate::{checkpoints::MemoryCheckpoints, clock::TestClock, cluster::TestDatabase, sequence::Sequence};

/// A fresh, empty system; one over PostgreSQL owns a database that is dropped with it.
pub struct World {
    /// The store as tenancy sees it.
    pub tenancy: Arc<dyn TenancyStore>,
    /// The same store as booking sees it.
    pub booking: Arc<dyn BookingStore>,
    /// The same store as metrics sees it.
    pub metrics: Arc<dyn MetricsStore>,
    /// The same store as clinical sees it.
    pub clinical: Arc<dyn ClinicalStore>,
    /// The same store as the rotation of keys sees it.
    pub rotation: Arc<dyn RotationStore>,
    /// Seals what is confidential.
    pub vault: Arc<dyn Vault>,
    /// Signs checkpoints of the audit trail.
    pub signer: Arc<dyn CheckpointSigner>,
    /// Keeps them.
    pub checkpoints: Arc<MemoryCheckpoints>,
    /// The clock of every use case.
    pub clock: Arc<TestClock>,
    /// Where ids and secrets come from.
    pub randomness: Arc<dyn Randomness>,
    /// The database, when there is one.
    pub database: Option<TestDatabase>,
}

impl World {
    /// Over plain maps.
    pub fn memory() -> Self {
        Self::over(&Arc::new(MemoryStore::default()), None)
    }

    /// Over plain maps, with ids and secrets that are the same in every run with this seed.
    pub fn memory_seeded(seed: u64) -> Self {
        let randomness = Arc::new(SeededRandomness(Mutex::new(Sequence::new(seed))));
        Self { randomness, ..Self::memory() }
    }

    /// Over a database of its own.
    pub fn postgres() -> Self {
        Self::over_database(TestDatabase::cloned(), |_| ())
    }

    /// Over this database, once `prepare` has made it ready over its owner's URL.
    pub fn over_database(database: TestDatabase, prepare: impl FnOnce(&str)) -> Self {
        prepare(&database.owner_url());
        let store = Arc::new(PgStore::connect(&database.url(), 4).unwrap());
        Self::over(&store, Some(database))
    }

    /// What clinical use cases stand on.
    pub fn clinical_ports(&self) -> ClinicalPorts {
        ClinicalPorts {
            store: Arc::clone(&self.clinical),
            sealer: Sealer::new(Arc::clone(&self.vault), Arc::clone(&self.randomness)),
            clock: Arc::<TestClock>::clone(&self.clock),
            randomness: Arc::clone(&self.randomness),
        }
    }

    /// What the use cases of metrics stand on.
    pub fn metrics_ports(&self) -> MetricsPorts {
        MetricsPorts {
            store: Arc::clone(&self.metrics),
            clock: Arc::<TestClock>::clone(&self.clock),
            randomness: Arc::clone(&self.randomness),
        }
    }

    /// What the chains of the audit trail stand on.
    pub fn chain_ports(&self) -> ChainPorts {
        ChainPorts {
            store: Arc::clone(&self.tenancy),
            clock: Arc::<TestClock>::clone(&self.clock),
            signer: Arc::clone(&self.signer),
            checkpoints: Arc::<MemoryCheckpoints>::clone(&self.checkpoints),
        }
    }

    fn over<S: TenancyStore + BookingStore + MetricsStore + ClinicalStore + RotationStore + 'static>(
        store: &Arc<S>,
        database: Option<TestDatabase>,
    ) -> Self {
        Self {
            tenancy: Arc::<S>::clone(store),
            booking: Arc::<S>::clone(store),
            metrics: Arc::<S>::clone(store),
            clinical: Arc::<S>::clone(store),
            rotation: Arc::<S>::clone(store),
            vault: vault(RING),
            signer: Arc::new(Ed25519Signer::parse(&"07".repeat(32)).unwrap()),
            checkpoints: Arc::default(),
            clock: Arc::default(),
            randomness: Arc::new(OsRandomness),
            database,
        }
    }
}

/// Bytes that look random and are the same in every run.
struct SeededRandomness(Mutex<Sequence>);

impl Randomness for SeededRandomness {
    fn fill(&self, out: &mut [u8]) {
        let mut sequence = self.0.lock().unwrap();
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&sequence.number().to_be_bytes()[..chunk.len()]);
        }
    }
}

/// The ring of every test's world.
pub const RING: &str = "1:0101010101010101010101010101010101010101010101010101010101010101";

/// A vault over this ring.
pub fn vault(ring: &str) -> Arc<dyn Vault> {
    Arc::new(XChaChaVault::new(KeyRing::parse(ring).unwrap(), Arc::new(OsRandomness)))
}

/// Runs each named contract once over each store.
#[macro_export]
macro_rules! contract {
    ($suite:path: $($case:ident),+ $(,)?) => {
        mod memory {
            use $suite as suite;
            $(#[test] fn $case() { suite::$case(&$crate::world::World::memory()); })+
        }
        mod postgres {
            use $suite as suite;
            $(#[test] fn $case() { suite::$case(&$crate::world::World::postgres()); })+
        }
    };
}
