//! What is read when somebody asks for the metrics: lanes, pool, queues, the process, and what the last health
//! check found. Nothing here asks the database, and nothing waits.
use std::{fmt, sync::Arc, time::Duration};

use actix_web::web::Data;
use huntzen_tenancy::clock::Clock;
use jiff::Timestamp;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabelSet, EncodeMetric, NoLabelSet},
    metrics::{MetricType, exemplar::Exemplar},
};

use super::{panics, process};
use crate::{
    probe::{Health, Standing},
    state::Edge,
};

/// How old a report on the database may be before the next one is asked for.
const AT_MOST: Duration = Duration::from_secs(5);

/// Everything that is looked up when it is asked for.
pub struct Readings {
    edge: Data<Edge>,
    health: Health,
    clock: Arc<dyn Clock>,
    begun: Timestamp,
}

impl Readings {
    /// Of the process with this edge.
    pub fn new(edge: Data<Edge>, health: Health) -> Self {
        let clock = Arc::clone(&edge.clock);
        Self { edge, health, begun: clock.now(), clock }
    }

    fn lanes(&self, out: &mut Out<'_>) -> fmt::Result {
        let lanes = self.edge.lanes.readings();
        let labelled = |value: fn(&crate::offload::LaneReading) -> u64| {
            lanes.iter().map(move |lane| ([("lane", lane.name)], value(lane))).collect::<Vec<_>>()
        };
        out.gauges("huntzen_lane_running", "Use cases that run", &labelled(|lane| lane.running))?;
        out.gauges("huntzen_lane_waiting", "Use cases that wait for their turn", &labelled(|lane| lane.waiting))?;
        let what = "Use cases that may run at once";
        out.gauges("huntzen_lane_capacity", what, &labelled(|lane| lane.capacity))?;
        let what = "Use cases that were refused, because the queue was full or the time was up";
        let refused: Vec<_> = lanes
            .iter()
            .flat_map(|lane| {
                let labels = |reason| [("lane", lane.name), ("reason", reason)];
                [(labels("full"), lane.refused), (labels("late"), lane.late)]
            })
            .collect();
        out.counters("huntzen_lane_refused", what, &refused)?;
        let what = "How long use cases waited for their turn, in seconds";
        let mut waits = out.0.encode_descriptor("huntzen_lane_wait_seconds", what, None, MetricType::Histogram)?;
        for lane in &lanes {
            lane.waits.encode(waits.encode_family(&[("lane", lane.name)])?)?;
        }
        Ok(())
    }

    fn pool(&self, out: &mut Out<'_>) -> fmt::Result {
        let pool = self.health.pool();
        out.gauge("huntzen_database_pool_size", "The most connections to the database", pool.size)?;
        let what = "Connections to the database, by what they do";
        let connections = [([("state", "in_use")], pool.in_use), ([("state", "idle")], pool.idle)];
        out.gauges("huntzen_database_pool_connections", what, &connections)?;
        out.gauge("huntzen_database_pool_waiting", "Units of work that wait for a connection", pool.waiting)?;
        let what = "Units of work that got no connection in time";
        out.counter("huntzen_database_pool_failures", what, pool.failed)
    }

    /// What the last round of questions found; left out as long as nothing is known.
    fn health(&self, out: &mut Out<'_>) -> fmt::Result {
        let Some(report) = self.health.glance(AT_MOST) else { return Ok(()) };
        let checks = [
            ("database", Some(report.database)),
            ("disk", Some(report.disk)),
            ("outbox", Some(report.outbox)),
            ("reconciliation", Some(report.reconciliation)),
            ("redis", report.redis),
        ];
        let told = checks.iter().filter_map(|(check, standing)| Some(([("check", *check)], severity((*standing)?))));
        let told: Vec<_> = told.collect();
        out.gauges("huntzen_health", "How a check does: 0 well, 1 degraded, 2 down", &told)?;
        let figures = report.figures;
        if let Some(backlog) = figures.outbox {
            out.gauge("huntzen_outbox_waiting", "Letters that wait to be sent", backlog.waiting)?;
            let what = "For how long the oldest letter has waited in vain";
            out.gauge("huntzen_outbox_oldest_seconds", what, figures.oldest.as_secs_f64().max(0.0))?;
        }
        if let Some(unlinked) = figures.unlinked {
            out.gauge("huntzen_audit_unlinked", "Entries of the audit trail without a link", unlinked)?;
        }
        if let Some(last) = figures.reconciliation {
            let what = "Days whose counters differed from what they count, in the last comparison";
            out.gauge("huntzen_reconciliation_differing", what, last.differing)?;
            let age = self.clock.now().duration_since(last.at).as_secs_f64();
            out.gauge("huntzen_reconciliation_age_seconds", "Since when nothing was compared", age.max(0.0))?;
        }
        if let Some(last) = figures.last_backup {
            let age = self.clock.now().duration_since(last).as_secs_f64();
            out.gauge("huntzen_last_backup_age_seconds", "Since when no backup was made", age.max(0.0))?;
        }
        Ok(())
    }

    fn process(&self, out: &mut Out<'_>) -> fmt::Result {
        let (resident, virtual_size) = process::memory();
        out.gauge("process_resident_memory_bytes", "Resident memory", resident)?;
        out.gauge("process_virtual_memory_bytes", "Virtual memory", virtual_size)?;
        let what = "Processor time of user and system, in seconds";
        out.counter("process_cpu_seconds", what, process::cpu_time().as_secs_f64())?;
        let (open, most) = process::files();
        out.gauge("process_open_fds", "Open files", open)?;
        if let Some(most) = most {
            out.gauge("process_max_fds", "The most files that may be open", most)?;
        }
        out.counter("huntzen_panics", "Threads that panicked: each is a defect", panics())?;
        let begun = self.begun.as_duration().as_secs_f64();
        out.gauge("process_start_time_seconds", "When the process started, since 1970", begun)?;
        let version = [([("version", env!("CARGO_PKG_VERSION"))], 1_u32)];
        out.gauges("huntzen_build_info", "The program's version", &version)
    }
}

fn severity(standing: Standing) -> u32 {
    match standing {
        Standing::Ok => 0,
        Standing::Degraded => 1,
        Standing::Down => 2,
    }
}

impl Collector for Readings {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        self.lanes(&mut out)?;
        self.pool(&mut out)?;
        self.health(&mut out)?;
        self.process(&mut out)
    }
}

impl fmt::Debug for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readings").finish_non_exhaustive()
    }
}

/// Writes single values and values by label.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn gauge(&mut self, name: &str, what: &str, value: impl EncodeGaugeValue + Copy) -> fmt::Result {
        self.0.encode_descriptor(name, what, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn gauges<S: EncodeLabelSet>(
        &mut self,
        name: &str,
        what: &str,
        values: &[(S, impl EncodeGaugeValue)],
    ) -> fmt::Result {
        let mut gauges = self.0.encode_descriptor(name, what, None, MetricType::Gauge)?;
        values.iter().try_for_each(|(labels, value)| gauges.encode_family(labels)?.encode_gauge(value))
    }

    fn counter(&mut self, name: &str, what: &str, value: impl EncodeCounterValue + Copy) -> fmt::Result {
        let mut counter = self.0.encode_descriptor(name, what, None, MetricType::Counter)?;
        counter.encode_counter(&value, None::<&Exemplar<NoLabelSet, f64>>)
    }

    fn counters<S: EncodeLabelSet>(&mut self, name: &str, what: &str, values: &[(S, u64)]) -> fmt::Result {
        let mut counters = self.0.encode_descriptor(name, what, None, MetricType::Counter)?;
        values.iter().try_for_each(|(labels, value)| {
            counters.encode_family(labels)?.encode_counter(value, None::<&Exemplar<NoLabelSet, f64>>)
        })
    }
}
