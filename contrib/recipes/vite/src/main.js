// Names that begin with VITE_ become a part of what everybody downloads. The others do not.
document.title = import.meta.env.VITE_TITLE;
