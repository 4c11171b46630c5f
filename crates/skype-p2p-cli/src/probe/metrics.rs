//! The metrics of a probe, for the textfile collector of a Prometheus node exporter.
//!
//! The text is OpenMetrics 1.0. All metrics are gauges without timestamps, so that it is also valid in the older text format of
//! Prometheus, which the collector reads.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::UNIX_EPOCH,
};

use super::measurement::{Measurement, Stage};
use crate::failure::Failure;

/// Replaces the file with the metrics of a probe. A reader sees either the old file or the new one. A device or a pipe is written to,
/// not replaced.
///
/// # Errors
///
/// If the file cannot be created or written.
pub(crate) fn write(path: &Path, measurement: &Measurement) -> Result<(), Failure> {
    // The collector reads the files whose names end in .prom, so the new file has another ending.
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let is_replaced = fs::metadata(path).map_or(true, |file| file.is_file());
    let target = if is_replaced { &new } else { path };
    let mut file = File::create(target).map_err(|error| {
        Failure::usage(format!("Cannot create {}: {error}.", path.display()))
            .with_hint("--metrics names a file in an existing folder that this user can write to")
    })?;
    let mut written = file.write_all(text(measurement).as_bytes());
    if is_replaced {
        written = written.and_then(|()| fs::rename(&new, path));
    }
    written.map_err(|error| {
        if is_replaced {
            let _ = fs::remove_file(&new);
        }
        Failure::cannot_write(&path.display().to_string(), &error)
    })
}

/// The text of the file.
fn text(measurement: &Measurement) -> String {
    let mut text = Exposition {
        measurement,
        text: String::new(),
    };
    let flag = |set: bool| f64::from(u8::from(set));
    text.family(
        "success",
        "Whether the last probe succeeded (1) or failed (0).",
        [(None, flag(measurement.success()))],
    );
    text.family(
        "exit_code",
        "The exit code of the last probe.",
        [(None, f64::from(measurement.end().code()))],
    );
    text.family(
        "duration_seconds",
        "The time of all stages of the last probe.",
        [(None, measurement.duration().as_secs_f64())],
    );
    let planned = match measurement.receiver {
        Some(_) => &Stage::ALL[..],
        None => &[Stage::SenderSignIn],
    };
    let succeeded = |stage: Stage| {
        let ended = measurement.stages.iter().any(|(it, _)| *it == stage);
        ended && measurement.failed_stage() != Some(stage)
    };
    text.family(
        "stage_success",
        "Whether a stage of the last probe succeeded (1), or failed or was not reached (0).",
        planned
            .iter()
            .map(|stage| (Some(*stage), flag(succeeded(*stage)))),
    );
    text.family(
        "stage_duration_seconds",
        "The time of a stage of the last probe. A stage that was not reached has none.",
        measurement
            .stages
            .iter()
            .map(|(stage, time)| (Some(*stage), time.as_secs_f64())),
    );
    let ended = measurement.time.duration_since(UNIX_EPOCH);
    text.family(
        "end_timestamp_seconds",
        "The Unix time when the last probe ended.",
        [(None, ended.unwrap_or_default().as_secs_f64())],
    );
    text.text.push_str("# EOF\n");
    text.text
}

/// A text under construction.
struct Exposition<'a> {
    measurement: &'a Measurement,
    text: String,
}

impl Exposition<'_> {
    /// Adds a gauge with its samples.
    fn family(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Option<Stage>, f64)>,
    ) {
        let name = format!("skype_p2p_probe_{name}");
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# TYPE {name} gauge");
        if name.ends_with("_seconds") {
            let _ = writeln!(self.text, "# UNIT {name} seconds");
        }
        let _ = writeln!(self.text, "# HELP {name} {help}");
        for (stage, value) in samples {
            let mut labels = format!("sender=\"{}\"", escaped(&self.measurement.sender));
            if let Some(receiver) = &self.measurement.receiver {
                let _ = write!(labels, ",receiver=\"{}\"", escaped(receiver));
            }
            if let Some(stage) = stage {
                let _ = write!(labels, ",stage=\"{}\"", stage.name());
            }
            let _ = writeln!(self.text, "{name}{{{labels}}} {value}");
        }
    }
}

/// The value of a label.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_failed_probe_has_the_stages_until_the_failure() {
        let measurement = Measurement {
            sender: "tosh\\m@contoso.com".to_owned(),
            receiver: Some("lenea@contoso.com".to_owned()),
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250),
            stages: vec![
                (Stage::SenderSignIn, Duration::from_millis(250)),
                (Stage::ReceiverSignIn, Duration::from_millis(1500)),
            ],
            failure: Some(Failure::other("no")),
        };
        let users = r#"sender="tosh\\m@contoso.com",receiver="lenea@contoso.com""#;
        let text = text(&measurement);
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            format!("skype_p2p_probe_success{{{users}}} 0"),
            format!("skype_p2p_probe_exit_code{{{users}}} 1"),
            format!("skype_p2p_probe_duration_seconds{{{users}}} 1.75"),
            format!("skype_p2p_probe_stage_success{{{users},stage=\"sender_sign_in\"}} 1"),
            format!("skype_p2p_probe_stage_success{{{users},stage=\"receiver_sign_in\"}} 0"),
            format!("skype_p2p_probe_stage_success{{{users},stage=\"invitation\"}} 0"),
            format!("skype_p2p_probe_stage_success{{{users},stage=\"delivery\"}} 0"),
            format!("skype_p2p_probe_stage_success{{{users},stage=\"answer\"}} 0"),
            format!(
                "skype_p2p_probe_stage_duration_seconds{{{users},stage=\"sender_sign_in\"}} 0.25"
            ),
            format!(
                "skype_p2p_probe_stage_duration_seconds{{{users},stage=\"receiver_sign_in\"}} 1.5"
            ),
            format!("skype_p2p_probe_end_timestamp_seconds{{{users}}} 1700000000.25"),
        ];
        assert_eq!(samples, expected);
        assert!(text.ends_with("\n# EOF\n"), "{text}");
    }
}
