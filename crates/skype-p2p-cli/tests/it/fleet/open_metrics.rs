//! A parser of OpenMetrics 1.0 that accepts nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

/// The families of a text, and its samples by name and labels.
pub(super) struct Metrics {
    families: BTreeSet<String>,
    samples: BTreeMap<String, f64>,
}

impl Metrics {
    /// Fails if the text is not valid.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.strip_suffix("# EOF\n").expect("no end");
        let mut samples = BTreeMap::new();
        let mut families: BTreeMap<&str, &str> = BTreeMap::new();
        let mut family = ("", "");
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let words: Vec<&str> = comment.splitn(3, ' ').collect();
                match words[..] {
                    ["TYPE", name, kind] => {
                        assert!(["gauge", "counter", "histogram"].contains(&kind), "{line}");
                        assert!(families.insert(name, kind).is_none(), "{line} comes twice");
                        family = (name, kind);
                    }
                    ["HELP" | "UNIT", name, _] => assert_eq!(name, family.0, "{line}"),
                    _ => panic!("{line}"),
                }
                continue;
            }
            let (name, value) = line.rsplit_once(' ').expect(line);
            let value: f64 = value.parse().expect(line);
            let bare = name.split('{').next().unwrap();
            let suffix = bare.strip_prefix(family.0).expect(line);
            let suffixes: &[&str] = match family.1 {
                "gauge" => &[""],
                "counter" => &["_total"],
                _ => &["_bucket", "_sum", "_count"],
            };
            assert!(suffixes.contains(&suffix), "{line} in a {}", family.1);
            if family.1 != "gauge" {
                assert!(value >= 0.0, "{line}");
            }
            if let Some(labels) = name.strip_prefix(bare).filter(|it| !it.is_empty()) {
                let labels = labels.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
                for label in labels.expect(line).split(',') {
                    let (_, quoted) = label.split_once('=').expect(line);
                    assert!(
                        quoted.len() > 2 && quoted.starts_with('"') && quoted.ends_with('"'),
                        "{line}"
                    );
                }
            }
            assert!(
                samples.insert(name.to_owned(), value).is_none(),
                "{line} comes twice"
            );
        }
        Self {
            families: families.into_keys().map(str::to_owned).collect(),
            samples,
        }
    }

    /// The names of the families.
    pub(super) fn families(&self) -> BTreeSet<String> {
        self.families.clone()
    }

    /// Each of these samples exists, and is in its range.
    pub(super) fn check(&self, expected: &[(&str, RangeInclusive<f64>)]) {
        for (name, range) in expected {
            let value = self.samples.get(*name);
            assert!(
                value.is_some_and(|it| range.contains(it)),
                "{name} is {value:?}"
            );
        }
    }
}
