//! The invariants hold on a thousand seeds, and on every seed that failed before.

use std::ops::Range;

use ucwa_sim::{HttpFaults, NetworkProfile, Options, Representation, SessionCount, WorldSize, run};

use super::play;

/// Seeds that failed in [`WorldSize::Pair`].
const FAILED_IN_PAIR: [u64; 11] = [
    1_140, 2_440, 2_448, 4_079, 4_627, 7_583, 62_975, 66_418, 67_709, 78_395, 106_013,
];

/// Seeds that failed in [`WorldSize::Group`], by the number of sessions; `None` if the seed chose it.
const FAILED_IN_GROUP: [(Option<usize>, &[u64]); 5] = [
    (
        None,
        &[
            1_176, 1_211, 2_437, 2_907, 3_646, 287_067, 305_210, 305_401, 441_416, 471_794,
            661_997, 849_461, 908_037, 5_003_892,
        ],
    ),
    (
        Some(2),
        &[
            2_977, 3_822, 19_298, 21_333, 22_853, 36_028, 42_193, 46_847, 71_683,
        ],
    ),
    (Some(3), &[94, 140, 514, 1_395, 104_604]),
    (Some(4), &[16_806]),
    (Some(5), &[316, 472]),
];

/// Seeds that failed in [`WorldSize::Large`].
const FAILED_IN_LARGE: [u64; 25] = [
    642, 670, 896, 1_058, 1_077, 2_830, 4_209, 4_931, 4_932, 13_444, 19_631, 23_030, 39_730,
    45_320, 67_503, 70_873, 71_460, 77_106, 108_120, 119_562, 137_729, 380_397, 389_785, 546_290,
    709_957,
];

/// Seeds that failed in [`WorldSize::Full`].
const FAILED_IN_FULL: [u64; 76] = [
    2_623, 3_283, 4_012, 4_281, 4_624, 4_658, 5_576, 6_111, 6_495, 6_536, 6_686, 7_031, 8_423,
    10_940, 13_159, 22_865, 22_923, 23_680, 27_085, 28_522, 42_503, 43_545, 53_414, 54_173, 58_663,
    74_038, 75_762, 76_421, 83_666, 101_500, 123_766, 141_062, 155_059, 165_120, 165_766, 187_167,
    196_393, 198_338, 217_328, 227_592, 234_442, 240_698, 242_295, 268_411, 284_377, 329_036,
    410_780, 464_449, 503_103, 508_774, 539_140, 552_646, 570_302, 571_436, 1_008_359, 1_050_033,
    1_058_717, 1_061_867, 1_064_653, 1_064_951, 1_065_056, 1_065_794, 1_082_572, 1_082_659,
    1_148_135, 1_148_158, 2_002_365, 2_142_582, 2_247_346, 2_334_261, 3_121_649, 3_220_650,
    4_671_547, 5_035_088, 5_068_045, 5_073_368,
];

/// Seeds that failed in [`WorldSize::Handover`].
const FAILED_IN_HANDOVER: [u64; 60] = [
    6_000_219, 6_000_239, 6_000_378, 6_000_384, 6_000_494, 6_000_558, 6_001_483, 6_003_727,
    6_011_562, 6_012_257, 6_100_586, 6_101_319, 6_101_948, 6_105_725, 6_112_877, 6_122_129,
    6_124_675, 6_125_343, 6_206_985, 6_213_217, 6_223_273, 6_224_382, 6_227_476, 6_301_369,
    6_304_661, 7_100_640, 7_102_047, 7_310_431, 10_002_409, 10_102_303, 10_153_216, 10_197_653,
    10_332_773, 10_362_308, 10_393_820, 10_440_477, 10_613_705, 10_627_170, 10_832_567, 10_844_644,
    10_878_634, 10_960_360, 10_966_299, 11_111_033, 11_124_026, 11_200_753, 11_414_120, 11_208_284,
    11_366_417, 11_546_501, 20_217_791, 20_334_163, 20_355_045, 20_611_027, 20_669_875, 20_897_275,
    20_930_434, 40_073_983, 40_888_522, 91_014_139,
];

/// Seeds that failed in [`WorldSize::Contacts`].
const FAILED_IN_CONTACTS: [u64; 16] = [
    14, 69, 109, 152, 405, 664, 758, 1_025, 1_294, 1_547, 2_261, 2_958, 91_000_761, 91_002_862,
    91_004_237, 91_004_262,
];

#[track_caller]
fn play_in_handover(seeds: Range<u64>) {
    play(seeds, &Options::default());
}

// A thousand seeds in four tests, which run in parallel.

#[test]
fn invariants_hold_on_seeds_0_to_249() {
    play_in_handover(0..250);
}

#[test]
fn invariants_hold_on_seeds_250_to_499() {
    play_in_handover(250..500);
}

#[test]
fn invariants_hold_on_seeds_500_to_749() {
    play_in_handover(500..750);
}

#[test]
fn invariants_hold_on_seeds_750_to_999() {
    play_in_handover(750..1_000);
}

#[test]
fn invariants_hold_on_seeds_that_failed_in_the_full_world() {
    let mut options = Options::default();
    options.size = WorldSize::Full;
    for seed in FAILED_IN_FULL {
        play(seed..seed + 1, &options);
    }
}

#[test]
fn invariants_hold_on_seeds_that_failed_in_the_handover_world() {
    for seed in FAILED_IN_HANDOVER {
        play_in_handover(seed..seed + 1);
    }
}

#[test]
fn invariants_hold_on_seeds_that_failed_in_the_contacts_world() {
    let mut options = Options::default();
    options.size = WorldSize::Contacts;
    for seed in FAILED_IN_CONTACTS {
        play(seed..seed + 1, &options);
    }
}

#[test]
fn invariants_hold_on_seeds_of_the_large_world() {
    let mut options = Options::default();
    options.size = WorldSize::Large;
    play(0..100, &options);
    for seed in FAILED_IN_LARGE {
        play(seed..seed + 1, &options);
    }
}

#[test]
fn invariants_hold_on_seeds_that_failed_in_the_group_world() {
    let mut options = Options::default();
    options.size = WorldSize::Group;
    for (sessions, seeds) in FAILED_IN_GROUP {
        options.sessions = sessions.and_then(SessionCount::new);
        for seed in seeds {
            play(*seed..seed + 1, &options);
        }
    }
}

#[test]
fn invariants_hold_on_seeds_of_the_pair_world() {
    let mut options = Options::default();
    options.size = WorldSize::Pair;
    play(0..100, &options);
    for seed in FAILED_IN_PAIR {
        play(seed..seed + 1, &options);
    }
}

#[test]
fn an_ideal_world_delivers_every_message_in_json_and_in_xml() {
    for representation in [Representation::Json, Representation::Xml] {
        for network in [NetworkProfile::fast(), NetworkProfile::slow()] {
            let mut options = Options::default();
            options.size = WorldSize::Full;
            options.representation = Some(representation);
            options.network = Some(network);
            options.http_faults = Some(HttpFaults::none());
            for report in play(0..5, &options) {
                assert!(report.messages >= 4, "{report}");
                assert_eq!(report.delivered, report.messages, "{report}");
            }
        }
    }
}

#[test]
fn the_number_of_messages_is_an_option() {
    let mut options = Options::default();
    options.size = WorldSize::Large;
    options.network = Some(NetworkProfile::fast());
    options.sessions = SessionCount::new(2);
    options.messages = 40;
    for report in play(0..2, &options) {
        assert!(report.messages >= 80, "{report}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let mut options = Options::default();
    options.trace = true;
    for seed in 0..4 {
        let (one, other) = (run(seed, &options), run(seed, &options));
        assert!(one.trace.lines().len() > 100);
        assert_eq!(one.trace, other.trace);
    }
    assert_ne!(run(0, &options).trace, run(1, &options).trace);
}
