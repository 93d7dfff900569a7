export default function ({ data, parentElement, setStateValue }) {
  const sheet = parentElement.querySelector('.sheet');
  const chosen = new Set(data.chosen);
  sheet.replaceChildren(...data.pictures.map((picture) => {
    const figure = document.createElement('figure');
    const button = document.createElement('button');
    const image = document.createElement('img');
    image.src = 'data:image/jpeg;base64,' + picture.jpeg;
    image.alt = picture.name;
    image.loading = 'lazy';
    button.title = picture.name;
    button.append(image);
    if (data.selectable) {
      button.setAttribute('aria-label', picture.name);
      button.setAttribute('aria-pressed', String(chosen.has(picture.id)));
      button.onclick = () => {
        if (!chosen.delete(picture.id)) chosen.add(picture.id);
        button.setAttribute('aria-pressed', String(chosen.has(picture.id)));
        setStateValue('chosen', [...chosen]);
      };
    } else {
      button.disabled = true;
    }
    figure.append(button);
    if (picture.caption) {
      const caption = document.createElement('figcaption');
      caption.textContent = picture.caption;
      figure.append(caption);
    }
    return figure;
  }));
}
