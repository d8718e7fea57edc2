//! Patterns of the models: matched against the whole value, in linear time.

use strongroom_schema::Pattern;

#[test]
fn a_pattern_means_the_whole_value() {
    // With and without anchors, and with alternatives that must not escape them.
    for expression in ["^[a-f0-9]+$", "[a-f0-9]+", "[a-f]+|[0-9]+|[a-f0-9]+"] {
        let pattern = Pattern::new(expression, expression);
        for text in ["a", "0", "00ff"] {
            assert!(pattern.matches(text), "{expression} {text}");
        }
        for text in ["", "g", "a\n", "\na", "a b", "00ff ", "00FF"] {
            assert!(!pattern.matches(text), "{expression} {text:?}");
        }
    }
    let alternatives = Pattern::new("a|bc", "a|bc");
    assert!(alternatives.matches("a") && alternatives.matches("bc"));
    assert!(!alternatives.matches("ac") && !alternatives.matches("abc") && !alternatives.matches("xbc"));
    let anything = Pattern::new(".*", ".*");
    assert!(anything.matches("") && anything.matches("é") && !anything.matches("a\nb"));
}

#[test]
fn what_is_shown_is_the_models_text() {
    let pattern = Pattern::new(r"[\u0020-\u00FF]*", r"[\x{20}-\x{FF}]*");
    assert_eq!(pattern.text(), r"[\u0020-\u00FF]*");
    assert!(pattern.matches(" ÿ") && !pattern.matches("Ā") && !pattern.matches("\u{1f}"));
}

#[test]
fn an_expression_that_is_none_matches_nothing() {
    let broken = Pattern::new("(", "(");
    for text in ["", "("] {
        assert!(!broken.matches(text));
    }
}

/// In an engine that backtracks this would take 2 to the power of 50,000 steps.
#[test]
fn no_value_makes_a_pattern_slow() {
    let pattern = Pattern::new("(a+)+b", "(a+)+b");
    assert!(!pattern.matches(&"a".repeat(50_000)));
    assert!(pattern.matches(&("a".repeat(50_000) + "b")));
}

#[test]
fn one_pattern_serves_many_threads() {
    static PATTERN: Pattern = Pattern::new("[a-z]+", "[a-z]+");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(PATTERN.matches("abc") && !PATTERN.matches("ABC")));
        }
    });
}
