"""The Coach screen: what people edited most, and a coach that revises the rest as they did."""
