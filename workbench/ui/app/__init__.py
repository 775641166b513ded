"""The reviewer's app."""
