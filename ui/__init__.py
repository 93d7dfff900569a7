"""All Streamlit that more than one page uses."""
