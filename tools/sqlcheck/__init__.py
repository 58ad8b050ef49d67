"""Would BigQuery accept it? Every SQL statement of this repository before Google's own parser and analyzer."""
