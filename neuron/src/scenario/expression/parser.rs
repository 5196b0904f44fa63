//! Reads expressions by precedence climbing: `or`, `and`, `not`, comparisons, `+ -`, `* /`, in rising order.
use super::token::{Token, tokens};
use super::{Aggregate, Cast, Comparison, Condition, Figure, Operator, Term};
use crate::scenario::metric::{Kind, Metric, Scope};
use crate::scenario::near;
use crate::scenario::selection::Selection;
use crate::scenario::text::{Fault, Place};

/// How deep parentheses and prefixes lie in each other at most.
const MAX_DEPTH: usize = 32;

/// What labels there are.
const LABELS: [&str; 5] = ["group", "neuron", "role", "behaviour", "name"];

/// How tightly each operator binds; the larger, the tighter.
const NOT: u8 = 3;
const NEGATIVE: u8 = 7;

/// A condition about these neurons.
pub(super) fn condition(text: &str, cast: &Cast<'_>) -> Result<Condition, Fault> {
    let (node, place) = node(text, cast)?;
    node.condition(&place)
}

/// A number about these neurons.
pub(super) fn term(text: &str, cast: &Cast<'_>) -> Result<Term, Fault> {
    let (node, place) = node(text, cast)?;
    node.term(&place)
}

fn node(text: &str, cast: &Cast<'_>) -> Result<(Node, Place), Fault> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, text, cast };
    let node = parser.node(0)?;
    parser
        .expect(Token::End, "here an operator such as `<` or `and` is missing, or something is too much")?;
    Ok(node)
}

/// What stands between operators: a number or a condition.
enum Node {
    Term(Term),
    Condition(Condition),
}

enum Infix {
    Or,
    And,
    Compare(Comparison),
    Operate(Operator),
}

struct Parser<'a> {
    tokens: Vec<(Token<'a>, Place)>,
    at: usize,
    depth: usize,
    text: &'a str,
    cast: &'a Cast<'a>,
}

impl Node {
    fn term(self, place: &Place) -> Result<Term, Fault> {
        match self {
            Self::Term(term) => Ok(term),
            Self::Condition(_) => {
                Err(Fault::new(place.clone(), "this holds or does not; a number is wanted"))
            }
        }
    }

    fn condition(self, place: &Place) -> Result<Condition, Fault> {
        match self {
            Self::Condition(condition) => Ok(condition),
            Self::Term(_) => {
                Err(Fault::new(place.clone(), "this is a number; compare it with another, like `height > 3`"))
            }
        }
    }
}

impl Infix {
    fn of(token: Token<'_>) -> Option<(u8, Self)> {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Unequal};
        Some(match token {
            Token::Name("or") => (1, Self::Or),
            Token::Name("and") => (2, Self::And),
            Token::Sign("<") => (4, Self::Compare(Less)),
            Token::Sign("<=") => (4, Self::Compare(LessOrEqual)),
            Token::Sign("==") => (4, Self::Compare(Equal)),
            Token::Sign("!=") => (4, Self::Compare(Unequal)),
            Token::Sign(">=") => (4, Self::Compare(GreaterOrEqual)),
            Token::Sign(">") => (4, Self::Compare(Greater)),
            Token::Sign("+") => (5, Self::Operate(Operator::Plus)),
            Token::Sign("-") => (5, Self::Operate(Operator::Minus)),
            Token::Sign("*") => (6, Self::Operate(Operator::Times)),
            Token::Sign("/") => (6, Self::Operate(Operator::Over)),
            _ => return None,
        })
    }

    fn join(self, left: (Node, &Place), right: (Node, &Place)) -> Result<Node, Fault> {
        Ok(match self {
            Self::Or => {
                let both = (left.0.condition(left.1)?, right.0.condition(right.1)?);
                Node::Condition(Condition::Or(both.into()))
            }
            Self::And => {
                let both = (left.0.condition(left.1)?, right.0.condition(right.1)?);
                Node::Condition(Condition::And(both.into()))
            }
            Self::Compare(comparison) => {
                let (left, right) = (left.0.term(left.1)?, right.0.term(right.1)?);
                Node::Condition(Condition::Compare(left, comparison, right))
            }
            Self::Operate(operator) => {
                let both = (left.0.term(left.1)?, right.0.term(right.1)?);
                Node::Term(Term::Operation(both.into(), operator))
            }
        })
    }
}

impl<'a> Parser<'a> {
    /// All that binds tighter than `least`.
    fn node(&mut self, least: u8) -> Result<(Node, Place), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::new(self.place(), format_args!("deeper than {MAX_DEPTH} levels")));
        }
        let (mut node, mut place) = self.first()?;
        while let Some((binding, infix)) = Infix::of(self.token()).filter(|(binding, _)| *binding > least) {
            self.at += 1;
            let (right, right_place) = self.node(binding)?;
            node = infix.join((node, &place), (right, &right_place))?;
            place.end = right_place.end;
        }
        self.depth -= 1;
        Ok((node, place))
    }

    fn first(&mut self) -> Result<(Node, Place), Fault> {
        let (token, place) = self.next();
        let node = match token {
            Token::Number(number) => Node::Term(Term::Number(number)),
            Token::Sign("-") => {
                let (node, inner) = self.node(NEGATIVE)?;
                Node::Term(Term::Negative(node.term(&inner)?.into()))
            }
            Token::Name("not") => {
                let (node, inner) = self.node(NOT)?;
                Node::Condition(Condition::Not(node.condition(&inner)?.into()))
            }
            Token::Sign("(") => {
                let (node, _) = self.node(0)?;
                self.expect(Token::Sign(")"), "a `)` is missing")?;
                node
            }
            Token::Name(name) => Node::Term(self.named(name, &place)?),
            _ => return Err(Fault::new(place, "here a number, a metric or a `(` is missing")),
        };
        Ok((node, place.start..self.last_end()))
    }

    /// A metric, or an aggregate of one.
    fn named(&mut self, name: &str, place: &Place) -> Result<Term, Fault> {
        if self.token() != Token::Sign("(") {
            let figure = self.figure(name, place)?;
            return figure.alone(place.start..self.last_end()).map(Term::Figure);
        }
        let known = Aggregate::ALL.map(|(name, _)| name);
        let (_, aggregate) =
            Aggregate::ALL.into_iter().find(|(known, _)| *known == name).ok_or_else(|| {
                Fault::new(place.clone(), format!("there is no `{name}(…)`{}", near::instead(name, &known)))
            })?;
        self.at += 1;
        let (inner, inner_place) = self.next();
        let Token::Name(inner) = inner else {
            return Err(Fault::new(inner_place, format_args!("`{name}` is of a metric, like {name}(score)")));
        };
        let figure = self.figure(inner, &inner_place)?;
        self.expect(Token::Sign(")"), "a `)` is missing: an aggregate is of one metric")?;
        Ok(Term::Aggregate(aggregate, figure))
    }

    fn figure(&mut self, name: &str, place: &Place) -> Result<Figure, Fault> {
        let known: Vec<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        let unknown = || {
            let instead = near::instead(name, &known);
            let words = format!("there is no metric `{name}`{instead}; `neuron scenario metrics` lists them");
            Fault::new(place.clone(), words)
        };
        let metric = Metric::named(name).ok_or_else(unknown)?;
        let all = Selection::all(self.cast.groups);
        let mut figure = Figure { metric, of: Some(all), mark: None, text: name.to_owned() };
        if self.token() == Token::Sign("{") {
            self.at += 1;
            while self.token() != Token::Sign("}") {
                self.label(&mut figure)?;
                if self.token() != Token::Sign("}") {
                    self.expect(Token::Sign(","), "a `,` or a `}` is missing")?;
                }
            }
            self.at += 1;
            let place = place.start..self.last_end();
            self.text[place.clone()].clone_into(&mut figure.text);
            if metric.scope() == Scope::Network {
                return Err(Fault::new(
                    place,
                    format_args!("`{metric}` is the network's; leave the labels out"),
                ));
            }
            if figure.of.as_ref().is_some_and(Selection::is_empty) {
                return Err(Fault::new(place, "these labels together select nobody"));
            }
        }
        figure.of = figure.of.filter(|_| metric.scope() == Scope::Neuron);
        Ok(figure)
    }

    /// `group="honest"`: narrows down whom a figure is of.
    fn label(&mut self, figure: &mut Figure) -> Result<(), Fault> {
        let (label, place) = self.next();
        let Token::Name(label) = label else {
            return Err(Fault::new(place, "here a label is missing, like group=\"honest\""));
        };
        self.expect(Token::Sign("="), "a `=` is missing")?;
        let (value, value_place) = self.next();
        let Token::Text(value) = value else {
            return Err(Fault::new(value_place, "a label's value stands in quotes, like group=\"honest\""));
        };
        let refused = |words: String| Fault::new(value_place.clone(), words);
        let chosen = match label {
            "group" | "neuron" => Selection::of(value, self.cast.groups).map_err(refused)?,
            "role" => self.cast.of_role(value).map_err(refused)?,
            "behaviour" => self.cast.of_behaviour(value).map_err(refused)?,
            "name" if figure.metric == Metric::Fired => {
                figure.mark = Some(value.to_owned());
                return Ok(());
            }
            "name" => return Err(Fault::new(place, "only `fired` has the label `name`")),
            _ => {
                let words = format!("there is no label `{label}`{}", near::instead(label, &LABELS));
                return Err(Fault::new(place, words));
            }
        };
        figure.of = figure.of.take().map(|of| of.within(&chosen));
        Ok(())
    }

    fn expect(&mut self, token: Token<'_>, otherwise: &str) -> Result<(), Fault> {
        match self.next() {
            (found, _) if found == token => Ok(()),
            (_, place) => Err(Fault::new(place, otherwise)),
        }
    }

    fn token(&self) -> Token<'a> {
        self.tokens.get(self.at).map_or(Token::End, |(token, _)| *token)
    }

    fn place(&self) -> Place {
        self.tokens.get(self.at).map_or(self.text.len()..self.text.len(), |(_, place)| place.clone())
    }

    fn next(&mut self) -> (Token<'a>, Place) {
        let next = (self.token(), self.place());
        self.at += 1;
        next
    }

    /// Where the last token taken ends.
    fn last_end(&self) -> usize {
        self.tokens.get(self.at.saturating_sub(1)).map_or(self.text.len(), |(_, place)| place.end)
    }
}

impl Figure {
    /// Several neurons have no state together.
    fn alone(self, place: Place) -> Result<Self, Fault> {
        let count = self.of.as_ref().map_or(1, Selection::len);
        match self.metric.kind() == Kind::State && count > 1 {
            true => {
                let metric = self.metric;
                let words = format_args!(
                    "{count} neurons have no `{metric}` together; say mean(…), min(…) or max(…)"
                );
                Err(Fault::new(place, words))
            }
            false => Ok(self),
        }
    }
}
