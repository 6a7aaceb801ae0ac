'use strict';

const list = document.getElementById('tasks');
const summary = document.getElementById('summary');
const problem = document.getElementById('problem');
const form = document.getElementById('add');
const input = document.getElementById('title');

let tasks = [];
let reachable = true;

async function ask(method, path, body) {
  const options = { method, headers: { accept: 'application/json' } };
  if (body !== undefined) {
    options.headers['content-type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch('/api' + path, options);
  } catch {
    throw { down: true, message: 'The server of this page cannot be reached.' };
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  const down = [502, 503, 504].includes(response.status);
  const said = answer && answer.error ? answer.error.message : 'status ' + response.status;
  throw { down, message: down ? 'Todos are not available right now (' + said + ').' : 'That did not work: ' + said + '.' };
}

function show(error) {
  problem.textContent = error ? error.message + (error.down ? ' Trying again …' : '') : '';
  problem.hidden = !error;
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function row(task) {
  const id = 'task-' + task.id;
  const box = element('input', { type: 'checkbox', id, checked: task.completed });
  box.dataset.testid = 'toggle';
  box.addEventListener('change', () => act(() => ask('PATCH', '/tasks/' + task.id, { completed: box.checked })));
  const label = element('label', { htmlFor: id, textContent: task.title });
  label.dataset.testid = 'title';
  const remove = element('button', { type: 'button', textContent: 'Delete' });
  remove.setAttribute('aria-label', 'Delete ' + task.title);
  remove.dataset.testid = 'delete';
  remove.addEventListener('click', () => act(() => ask('DELETE', '/tasks/' + task.id)).then(() => input.focus()));
  const item = element('li', { className: task.completed ? 'completed' : '' }, box, label, remove);
  item.dataset.testid = 'todo';
  item.dataset.completed = String(task.completed);
  return item;
}

function render() {
  const focused = document.activeElement && document.activeElement.id;
  list.replaceChildren(...tasks.map(row));
  if (focused && focused.startsWith('task-')) document.getElementById(focused)?.focus();
  list.setAttribute('aria-busy', 'false');
  const open = tasks.filter((task) => !task.completed).length;
  summary.textContent = tasks.length === 0 ? 'Nothing to do.' : open + ' of ' + tasks.length + ' to do.';
}

async function load() {
  try {
    tasks = (await ask('GET', '/tasks')).tasks;
    if (!reachable) show(null);
    reachable = true;
    render();
  } catch (error) {
    reachable = false;
    list.setAttribute('aria-busy', 'false');
    if (tasks.length === 0) summary.textContent = '';
    show(error);
  }
}

async function act(work) {
  try {
    await work();
    show(null);
  } catch (error) {
    reachable = !error.down;
    show(error);
    if (error.down) return;
  }
  await load();
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const title = input.value.trim();
  if (title === '') return;
  try {
    await ask('POST', '/tasks', { title });
    input.value = '';
    show(null);
    await load();
  } catch (error) {
    reachable = !error.down;
    show(error);
  }
  input.focus();
});

setInterval(() => { if (!reachable) load(); }, 2000);
load();
