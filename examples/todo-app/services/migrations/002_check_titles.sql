-- +goose Up
-- NOT VALID: only new rows are checked, so that nobody is kept waiting while old ones are read.
ALTER TABLE tasks ADD CONSTRAINT tasks_title_length CHECK (char_length(title) BETWEEN 1 AND 200) NOT VALID;

-- +goose Down
ALTER TABLE tasks DROP CONSTRAINT tasks_title_length;
