//! Keys whose materials their owners bring.

mod conditions;
mod erasing;
mod expiring;
mod family;
mod kinds;
mod measuring;
mod model;
mod refusals;
mod regions;
mod rotating;
mod simple;
mod states;
mod tokens;
