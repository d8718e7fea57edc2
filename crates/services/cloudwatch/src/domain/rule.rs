//! Rules of composite alarms (CloudWatch API Reference, PutCompositeAlarm, "AlarmRule").

use super::alarm::StateValue;
use super::home::Home;

/// Alarms that a rule may name, and elements that it may have.
const MOST_ALARMS: usize = 100;
const MOST_ELEMENTS: usize = 500;

/// How deep brackets and NOTs may go, so that no rule exhausts the stack.
const DEEPEST: usize = 100;

/// A rule, read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    Constant(bool),
    Is(StateValue, String),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    AtLeast { number: Number, state: StateValue, is_negated: bool, alarms: Vec<String> },
}

/// How many alarms of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Count(usize),
    Percent(usize),
}

impl Rule {
    /// Reads a rule. What is wrong with it comes as a text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let words = words(text)?;
        let mut reader = Reader { words: &words, elements: 0, alarms: 0, depth: 0 };
        let rule = reader.either()?;
        match reader.words.first() {
            None => Ok(rule),
            Some(word) => Err(format!("unexpected {}", word.shown())),
        }
    }

    /// Whether it is true, by the states of the alarms that it names; one that is not there is in none.
    pub(crate) fn holds(&self, state: &impl Fn(&str) -> Option<StateValue>) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Is(wanted, alarm) => state(alarm) == Some(*wanted),
            Self::Not(rule) => !rule.holds(state),
            Self::And(left, right) => left.holds(state) && right.holds(state),
            Self::Or(left, right) => left.holds(state) || right.holds(state),
            Self::AtLeast { number, state: wanted, is_negated, alarms } => {
                let holds = |alarm: &&String| (state(alarm) == Some(*wanted)) != *is_negated;
                let found = alarms.iter().filter(holds).count();
                match number {
                    Number::Count(least) => found >= *least,
                    Number::Percent(least) => found * 100 >= least * alarms.len(),
                }
            }
        }
    }

    /// The alarms that it names, as it names them.
    pub(crate) fn alarms(&self) -> Vec<&str> {
        let mut named = Vec::new();
        self.gather(&mut named);
        named
    }

    fn gather<'r>(&'r self, named: &mut Vec<&'r str>) {
        match self {
            Self::Constant(_) => {}
            Self::Is(_, alarm) => named.push(alarm),
            Self::Not(rule) => rule.gather(named),
            Self::And(left, right) | Self::Or(left, right) => {
                left.gather(named);
                right.gather(named);
            }
            Self::AtLeast { alarms, .. } => named.extend(alarms.iter().map(String::as_str)),
        }
    }
}

/// The name of the alarm that a rule or a suppressor means, which may be its ARN; `None` if it lives elsewhere.
pub(crate) fn name_in<'n>(home: &Home, named: &'n str) -> Option<&'n str> {
    if !named.starts_with("arn:") {
        return Some(named);
    }
    Home::parse_alarm_arn(named).filter(|(other, _)| other == home).map(|(_, name)| name)
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Open,
    Close,
    Comma,
    /// A word, and whether it was quoted.
    Text(String, bool),
}

impl Word {
    fn shown(&self) -> String {
        match self {
            Self::Open => "'('".to_owned(),
            Self::Close => "')'".to_owned(),
            Self::Comma => "','".to_owned(),
            Self::Text(text, _) => format!("'{text}'"),
        }
    }
}

fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '(' => words.push(Word::Open),
            ')' => words.push(Word::Close),
            ',' => words.push(Word::Comma),
            '"' => {
                let mut name = String::new();
                loop {
                    match letters.next() {
                        Some('"') => break,
                        Some('\\') => name.extend(letters.next()),
                        Some(letter) => name.push(letter),
                        None => return Err("a quoted name does not end".to_owned()),
                    }
                }
                words.push(Word::Text(name, true));
            }
            letter if letter.is_whitespace() => {}
            letter => {
                let mut word = String::from(letter);
                while let Some(letter) =
                    letters.next_if(|next| !next.is_whitespace() && !matches!(next, '(' | ')' | ',' | '"'))
                {
                    word.push(letter);
                }
                words.push(Word::Text(word, false));
            }
        }
    }
    Ok(words)
}

struct Reader<'w> {
    words: &'w [Word],
    elements: usize,
    alarms: usize,
    depth: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<&Word> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn next_is(&mut self, keyword: &str) -> bool {
        let is_it = self.words.first() == Some(&Word::Text(keyword.to_owned(), false));
        if is_it {
            self.next();
        }
        is_it
    }

    fn expect(&mut self, wanted: &Word) -> Result<(), String> {
        match self.next() {
            Some(word) if word == wanted => Ok(()),
            Some(word) => Err(format!("{} is expected, not {}", wanted.shown(), word.shown())),
            None => Err(format!("{} is missing at the end", wanted.shown())),
        }
    }

    fn element(&mut self) -> Result<(), String> {
        self.elements += 1;
        if self.elements > MOST_ELEMENTS {
            return Err(format!("it has more than {MOST_ELEMENTS} elements"));
        }
        Ok(())
    }

    fn either(&mut self) -> Result<Rule, String> {
        let mut rule = self.both()?;
        while self.next_is("OR") {
            self.element()?;
            rule = Rule::Or(Box::new(rule), Box::new(self.both()?));
        }
        Ok(rule)
    }

    fn both(&mut self) -> Result<Rule, String> {
        let mut rule = self.one()?;
        while self.next_is("AND") {
            self.element()?;
            rule = Rule::And(Box::new(rule), Box::new(self.one()?));
        }
        Ok(rule)
    }

    fn one(&mut self) -> Result<Rule, String> {
        self.element()?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it goes more than {DEEPEST} levels deep"));
        }
        let rule = self.one_inside();
        self.depth -= 1;
        rule
    }

    fn one_inside(&mut self) -> Result<Rule, String> {
        if self.next_is("NOT") {
            return Ok(Rule::Not(Box::new(self.one()?)));
        }
        if self.next_is("AT_LEAST") {
            return self.at_least();
        }
        match self.next() {
            Some(Word::Open) => {
                let rule = self.either()?;
                self.expect(&Word::Close)?;
                Ok(rule)
            }
            Some(Word::Text(word, false)) => {
                let word = word.clone();
                match word.as_str() {
                    "TRUE" => Ok(Rule::Constant(true)),
                    "FALSE" => Ok(Rule::Constant(false)),
                    other => {
                        let state =
                            StateValue::named(other).ok_or_else(|| format!("unexpected '{other}'"))?;
                        self.expect(&Word::Open)?;
                        let alarm = self.alarm()?;
                        self.expect(&Word::Close)?;
                        Ok(Rule::Is(state, alarm))
                    }
                }
            }
            Some(word) => Err(format!("unexpected {}", word.shown())),
            None => Err("it ends too early".to_owned()),
        }
    }

    /// `AT_LEAST(M, STATE, (a, b))`, `AT_LEAST(50%, NOT OK, (a, b))`
    fn at_least(&mut self) -> Result<Rule, String> {
        self.expect(&Word::Open)?;
        let number = match self.next() {
            Some(Word::Text(word, false)) => match word.strip_suffix('%') {
                Some(percent) => {
                    percent.parse().ok().filter(|it| (1..=100).contains(it)).map(Number::Percent)
                }
                None => word.parse().ok().filter(|it| *it > 0).map(Number::Count),
            },
            _ => None,
        };
        let number = number.ok_or("AT_LEAST begins with a number or a percentage")?;
        self.expect(&Word::Comma)?;
        let is_negated = self.next_is("NOT");
        let state = match self.next() {
            Some(Word::Text(word, false)) => StateValue::named(word),
            _ => None,
        };
        let state = state.ok_or("AT_LEAST names a state: OK, ALARM or INSUFFICIENT_DATA")?;
        self.expect(&Word::Comma)?;
        self.expect(&Word::Open)?;
        let mut alarms = vec![self.alarm()?];
        loop {
            match self.next() {
                Some(Word::Comma) => alarms.push(self.alarm()?),
                Some(Word::Close) => break,
                Some(word) => return Err(format!("unexpected {}", word.shown())),
                None => return Err("the list of alarms does not end".to_owned()),
            }
        }
        self.expect(&Word::Close)?;
        if matches!(number, Number::Count(least) if least > alarms.len()) {
            return Err("AT_LEAST asks for more alarms than it names".to_owned());
        }
        Ok(Rule::AtLeast { number, state, is_negated, alarms })
    }

    fn alarm(&mut self) -> Result<String, String> {
        self.element()?;
        self.alarms += 1;
        if self.alarms > MOST_ALARMS {
            return Err(format!("it names more than {MOST_ALARMS} alarms"));
        }
        match self.next() {
            Some(Word::Text(name, _)) if !name.is_empty() => Ok(name.clone()),
            Some(word) => Err(format!("the name of an alarm is expected, not {}", word.shown())),
            None => Err("the name of an alarm is missing at the end".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(rule: &str) -> bool {
        let state = |name: &str| match name {
            "a" | "with space, and (bracket)" => Some(StateValue::Alarm),
            "o" => Some(StateValue::Ok),
            "i" => Some(StateValue::InsufficientData),
            _ => None,
        };
        Rule::parse(rule).unwrap().holds(&state)
    }

    #[test]
    fn rules_by_the_states_of_their_alarms() {
        for rule in [
            "ALARM(a)",
            "ALARM(a) AND OK(o)",
            "ALARM(o) OR INSUFFICIENT_DATA(i)",
            "NOT ALARM(o) AND TRUE",
            "(ALARM(o) OR ALARM(a)) AND NOT FALSE",
            "ALARM(\"with space, and (bracket)\")",
            // AND binds closer.
            "TRUE OR TRUE AND FALSE",
            "AT_LEAST(2, ALARM, (a, o, a))",
            "AT_LEAST(50%, NOT OK, (a, o))",
            "NOT ALARM(unknown)",
        ] {
            assert!(holds(rule), "{rule}");
        }
        for rule in ["ALARM(o)", "ALARM(unknown)", "AT_LEAST(51%, ALARM, (a, o))", "NOT NOT ALARM(o)"] {
            assert!(!holds(rule), "{rule}");
        }
        assert_eq!(Rule::parse("ALARM(a) AND AT_LEAST(1, OK, (b, c))").unwrap().alarms(), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_no_rule() {
        for rule in [
            "",
            "ALARM",
            "ALARM()",
            "ALARM(a",
            "ALARM(a) OK(b)",
            "XOR(a)",
            "ALARM(a) AND",
            "alarm(a)",
            "\"TRUE\"",
            "AT_LEAST(0, OK, (a))",
            "AT_LEAST(2, OK, (a))",
            "AT_LEAST(101%, OK, (a))",
            "ALARM(\"a)",
        ] {
            assert!(Rule::parse(rule).is_err(), "{rule}");
        }
        assert!(Rule::parse(&"(".repeat(5_000)).is_err());
        assert!(Rule::parse(&"NOT ".repeat(5_000)).is_err());
        let many = |count: usize| vec!["ALARM(a)"; count].join(" OR ");
        assert!(Rule::parse(&many(100)).is_ok());
        assert!(Rule::parse(&many(101)).is_err());
    }
}
