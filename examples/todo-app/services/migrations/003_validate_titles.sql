-- +goose Up
-- In a transaction of its own: rows are read without the lock that adding the constraint takes.
ALTER TABLE tasks VALIDATE CONSTRAINT tasks_title_length;

-- +goose Down
ALTER TABLE tasks DROP CONSTRAINT tasks_title_length;
ALTER TABLE tasks ADD CONSTRAINT tasks_title_length CHECK (char_length(title) BETWEEN 1 AND 200) NOT VALID;
