//! Keys whose materials their owners bring.

mod conditions;
mod expiring;
mod kinds;
mod refusals;
mod rotating;
mod simple;
mod tokens;
