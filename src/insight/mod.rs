//! What anybody asks: explanations, simulations, reports and pages. This room reads only. It is empty until the first of
//! them comes.
