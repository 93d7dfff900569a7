"""ConvScope's core: everything that is computed, without a line of Streamlit."""
