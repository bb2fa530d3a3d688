import { describe, expect, it } from 'vitest'
import { dicomDate, dicomTime, hu, mm, personName, sexAge, size, timeOf, volume, wait } from './format'

describe('words for values', () => {
  it.each([
    [mm(12.64), '12.6'], [mm(-0.5), '−0.5'], [mm(null), '—'], [mm(0), '0.0'],
    [hu(-600), '−600'],
    [size(14.2, 11), '14.2 × 11.0 mm'], [size(null, null), 'not measured'], [size(9, null), '9.0 × — mm'],
    [volume(1060.4), '1,060 mm³'], [volume(null), '—'],
    [dicomDate('20261124'), '24 Nov 2026'], [dicomDate(''), '—'], [dicomDate('2026'), '2026'], [dicomDate('20261324'), '20261324'],
    [dicomTime('081203.5'), '08:12'], [dicomTime(''), '—'],
    [wait(13680), '3:48'], [wait(59), '0:00'], [wait(null), '—'],
    [sexAge('F', '067Y'), 'F 67 y'], [sexAge('', '003M'), '3 m'], [sexAge('M', ''), 'M'], [sexAge('?', 'x'), ''],
    [personName('Phantom^A^^'), 'Phantom^A'], [personName(''), 'not known'], [personName('体模^甲'), '体模^甲'],
  ])('%s', (said, expected) => expect(said).toBe(expected))

  it('adds the date to the time of another day', () => {
    const now = new Date('2026-11-24T12:00:00')
    expect(timeOf('2026-11-24T08:31:04', now)).toBe('08:31:04')
    expect(timeOf('2026-11-20T08:31:04', now)).toBe('20 Nov 2026, 08:31')
    expect(timeOf(null, now)).toBe('—')
  })
})
