//! bowline.yaml: the chart, its values, and what runs beside it on this machine.
