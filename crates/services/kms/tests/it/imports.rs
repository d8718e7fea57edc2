//! Keys whose materials their owners bring.

mod conditions;
mod expiring;
mod kinds;
mod model;
mod refusals;
mod regions;
mod rotating;
mod simple;
mod tokens;
