"""The OD API's configuration language: schema, reading and writing, label maps, and what of it we support."""
