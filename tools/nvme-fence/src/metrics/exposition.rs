// SPDX-License-Identifier: GPL-2.0
//! Metrics as text, in the format 0.0.4 of Prometheus: node_exporter's textfile collector reads no
//! other one.

use anyhow::Result;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{prometheus_text, DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;

/// The labels of a sample and their values, in the order in which they are written.
pub(super) type Labels = Vec<(&'static str, String)>;

/// All samples of one name.
#[derive(Debug)]
pub(super) struct Family {
    /// Its name; of a counter, without the `_total` that the format puts behind it.
    pub(super) name: &'static str,
    /// What it is, without a full stop.
    pub(super) help: &'static str,
    /// Its samples.
    pub(super) samples: Samples,
}

/// Samples, by their kind.
#[derive(Debug)]
pub(super) enum Samples {
    /// What is so now.
    Gauge(Vec<(Labels, f64)>),
    /// What has happened so far.
    Counter(Vec<(Labels, u64)>),
}

/// What is encoded: it is gathered before, and once.
#[derive(Debug)]
struct Gathered(Vec<Family>);

impl Collector for Gathered {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for family in &self.0 {
            let Family { name, help, .. } = family;
            let kind = match &family.samples {
                Samples::Gauge(_) => MetricType::Gauge,
                Samples::Counter(_) => MetricType::Counter,
            };
            let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
            match &family.samples {
                Samples::Gauge(samples) => samples.iter().try_for_each(|(labels, value)| {
                    ConstGauge::new(*value).encode(metric.encode_family(labels)?)
                }),
                Samples::Counter(samples) => samples.iter().try_for_each(|(labels, value)| {
                    ConstCounter::new(*value).encode(metric.encode_family(labels)?)
                }),
            }?;
        }
        Ok(())
    }
}

/// The text of some families, in their order.
pub(super) fn text(families: Vec<Family>) -> Result<String> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Gathered(families)));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_labels() {
        let families = vec![
            Family {
                name: "nvme_fence_held_bytes",
                help: "Bytes",
                samples: Samples::Gauge(vec![(Vec::new(), 4096.0)]),
            },
            Family {
                name: "nvme_fence_lost",
                help: "Losses",
                samples: Samples::Counter(vec![(vec![("nqn", "a\"\n".to_owned())], 2)]),
            },
        ];
        assert_eq!(
            text(families).unwrap(),
            "# HELP nvme_fence_held_bytes Bytes\n\
             # TYPE nvme_fence_held_bytes gauge\n\
             nvme_fence_held_bytes 4096.0\n\
             # HELP nvme_fence_lost_total Losses\n\
             # TYPE nvme_fence_lost_total counter\n\
             nvme_fence_lost_total{nqn=\"a\\\"\\n\"} 2\n"
        );
    }
}
